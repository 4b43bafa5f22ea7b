/**
 * Browsers draw no box taller than some 17 million pixels, and place things exactly only in shorter
 * ones. A longer content scrolls in a box of this height: one to one near both ends, where every
 * row must be reached by small steps, and faster in between.
 */
export const MAX_SCROLL_PX = 8_000_000;
const EXACT_PX = 1_000_000;

export function boxHeight(contentPx: number): number {
  return Math.min(contentPx, MAX_SCROLL_PX);
}

/** Which offset of the content stands for this position of the scroll bar. */
export function contentOffset(scrollTop: number, contentPx: number): number {
  if (contentPx <= MAX_SCROLL_PX || scrollTop <= EXACT_PX) return scrollTop;
  const fromEnd = MAX_SCROLL_PX - scrollTop;
  if (fromEnd <= EXACT_PX) return contentPx - fromEnd;
  return EXACT_PX + (scrollTop - EXACT_PX) * stretch(contentPx);
}

/** The inverse: where the scroll bar stands for this offset of the content. */
export function scrollPosition(offset: number, contentPx: number): number {
  if (contentPx <= MAX_SCROLL_PX || offset <= EXACT_PX) return offset;
  const fromEnd = contentPx - offset;
  if (fromEnd <= EXACT_PX) return MAX_SCROLL_PX - fromEnd;
  return EXACT_PX + (offset - EXACT_PX) / stretch(contentPx);
}

function stretch(contentPx: number): number {
  return (contentPx - 2 * EXACT_PX) / (MAX_SCROLL_PX - 2 * EXACT_PX);
}
