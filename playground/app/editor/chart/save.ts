import { element } from './pie';

const PADDING = 16;
const TITLE_PX = 30;
const LEGEND_ROW_PX = 20;
const PNG_SCALE = 2;

export interface Picture {
  /** The chart as it stands in the page. */
  svg: SVGSVGElement;
  title: string;
  /** The picture in a sentence. */
  summary: string;
  legend: { label: string; color: string }[];
  background: string;
}

/** The chart as a file of its own: with a title and the legend, all colours written out. */
export function svgText(picture: Picture): string {
  return new XMLSerializer().serializeToString(standAlone(picture));
}

export async function pngOf(picture: Picture): Promise<Blob> {
  const svg = standAlone(picture);
  const text = new XMLSerializer().serializeToString(svg);
  const image = new Image();
  // As data, since the content security policy allows no images from elsewhere, blobs included.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = Number(svg.getAttribute('width')) * PNG_SCALE;
  canvas.height = Number(svg.getAttribute('height')) * PNG_SCALE;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error('The browser could not make a picture of this chart.'));
    }, 'image/png');
  });
}

function standAlone({ svg, title, summary, legend, background }: Picture): SVGElement {
  const { width, height } = svg.getBoundingClientRect();
  const inner = svg.cloneNode(true) as SVGSVGElement;
  writeOutStyles(svg, inner);
  inner.setAttribute('y', String(TITLE_PX));
  inner.setAttribute('x', String(PADDING));
  inner.setAttribute('width', String(width));
  inner.setAttribute('height', String(height));
  const style = getComputedStyle(svg);
  const all = {
    width: Math.ceil(width + 2 * PADDING),
    height: Math.ceil(height + TITLE_PX + legend.length * LEGEND_ROW_PX + PADDING),
  };
  const outer = element('svg', {
    xmlns: 'http://www.w3.org/2000/svg',
    ...all,
    role: 'img',
    'aria-label': summary,
    viewBox: `0 0 ${all.width} ${all.height}`,
    'font-family': style.fontFamily,
    'font-size': 12,
    fill: style.color,
  });
  const heading = element('text', { x: PADDING, y: 20, 'font-size': 14, 'font-weight': 600 });
  heading.textContent = title;
  outer.append(element('rect', { ...all, fill: background }), heading, inner);
  for (const [index, { label, color }] of legend.entries()) {
    const y = TITLE_PX + height + index * LEGEND_ROW_PX;
    const text = element('text', { x: PADDING + 20, y: y + 12 });
    text.textContent = label;
    outer.append(
      element('rect', { x: PADDING, y: y + 2, width: 12, height: 12, rx: 3, fill: color }),
      text,
    );
  }
  return outer;
}

const WRITTEN_OUT = ['fill', 'stroke', 'color', 'stop-color'] as const;

/** A file has no variables of ours and no style sheet: each colour is written on its element. */
function writeOutStyles(shown: Element, copy: Element): void {
  const style = getComputedStyle(shown);
  for (const name of WRITTEN_OUT) {
    const isSet = shown.hasAttribute(name) || name === 'color';
    if (isSet) copy.setAttribute(name, style.getPropertyValue(name));
  }
  for (const [index, child] of [...shown.children].entries()) {
    const other = copy.children[index];
    if (other) writeOutStyles(child, other);
  }
}

/** The colour that a variable of the page stands for. */
export function resolvedColor(color: string, beside: Element): string {
  const probe = document.createElement('span');
  probe.style.color = color;
  beside.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
