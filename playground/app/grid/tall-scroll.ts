import type { Virtualizer } from '@tanstack/react-virtual';
import { MAX_SCROLL_PX, boxHeight, contentOffset, scrollPosition } from './tall';

const SETTLE_MS = 160;

type Told = (offset: number, isScrolling: boolean) => void;

/**
 * The scroll position of a grid in pixels of its content, whatever its height. Small movements move
 * the content by as much; a drag of the scroll bar goes where the bar stands for. When scrolling
 * has come to rest the bar is put where the content is.
 */
export class TallScroll {
  /** The first pixel of the content that is in view. */
  offset = 0;
  contentPx = 0;
  #top = 0;
  #element: Element | null = null;
  #tell: Told = () => undefined;

  /** How far the content is drawn above its place. */
  get base(): number {
    return this.contentPx <= MAX_SCROLL_PX ? 0 : this.offset - this.#top;
  }

  get boxPx(): number {
    return boxHeight(this.contentPx);
  }

  /** For the virtualizer, as its `observeElementOffset`. */
  observe = (instance: Virtualizer<HTMLDivElement, Element>, tell: Told): (() => void) => {
    const element = instance.scrollElement;
    if (!element) return () => undefined;
    this.#element = element;
    this.#tell = tell;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onScroll = () => {
      this.#read(element);
      tell(this.offset, true);
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.#settle(element);
        tell(this.offset, false);
      }, SETTLE_MS);
    };
    this.#read(element);
    tell(this.offset, false);
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      clearTimeout(timer);
      element.removeEventListener('scroll', onScroll);
    };
  };

  /** Brings this pixel of the content to the top. */
  scrollTo(offset: number): void {
    const element = this.#element;
    if (!element) return;
    this.offset = this.#clamped(offset, element);
    this.#write(element);
    this.#tell(this.offset, false);
  }

  #read(element: Element): void {
    const top = element.scrollTop;
    if (this.contentPx <= MAX_SCROLL_PX) {
      this.offset = top;
    } else {
      const moved = top - this.#top;
      // The wheel turns by less than what a quarter of a pixel of the scroll bar stands for.
      const isJump = Math.abs(moved) > MAX_SCROLL_PX / (4 * element.clientHeight);
      const offset = isJump ? contentOffset(top, this.contentPx) : this.offset + moved;
      if (moved !== 0) this.offset = this.#clamped(offset, element);
    }
    this.#top = top;
  }

  #settle(element: Element): void {
    if (this.contentPx > MAX_SCROLL_PX) this.#write(element);
  }

  /** What the bar then says is exact only to its own pixels; the offset stays as it is. */
  #write(element: Element): void {
    element.scrollTop = scrollPosition(this.offset, this.contentPx);
    this.#top = element.scrollTop;
    if (this.contentPx <= MAX_SCROLL_PX) this.offset = this.#top;
  }

  #clamped(offset: number, element: Element): number {
    return Math.max(0, Math.min(offset, this.contentPx - element.clientHeight));
  }
}
