/**
 * The part of a file that an inspection needs. Each look sends the file, for nothing of it is kept
 * on the server: of a long text, its beginning is enough to see what Sluice makes of it.
 */

/** So much of a text is looked at unless all of it is asked for. */
export const FIRST_PART_BYTES = 4 * 1024 * 1024;
/** Files that cannot be cut are looked at anew by themselves up to this size. */
export const AUTOMATIC_UP_TO_BYTES = 16 * 1024 * 1024;

export interface Part {
  content: Blob;
  isWhole: boolean;
}

/** The first part of a file, in whole lines; the file itself where it is short or cannot be cut. */
export async function firstPart(file: File): Promise<Part> {
  const whole = { content: file, isWhole: true };
  if (file.size <= FIRST_PART_BYTES) return whole;
  const bytes = new Uint8Array(await file.slice(0, FIRST_PART_BYTES).arrayBuffer());
  if (!isCuttable(bytes)) return whole;
  const end = endOfLastLine(bytes);
  return end === 0 ? whole : { content: file.slice(0, end), isWhole: false };
}

/** Whether the beginning of these bytes stands for itself: lines of text, not a container. */
export function isCuttable(bytes: Uint8Array): boolean {
  const starts = (...head: number[]) => head.every((byte, at) => bytes[at] === byte);
  const isContainer =
    starts(0x50, 0x4b) || // ZIP: xlsx, ods
    starts(0x1f, 0x8b) || // gzip
    starts(0x28, 0xb5, 0x2f, 0xfd) || // Zstandard
    starts(0xd0, 0xcf, 0x11, 0xe0); // the older Excel
  if (isContainer) return false;
  // A JSON list ends with its file.
  const first = bytes.find((byte) => ![0xef, 0xbb, 0xbf, 0x20, 0x09, 0x0a, 0x0d].includes(byte));
  return first !== 0x5b;
}

/** Where the last line ends that is not inside quotes; 0 if there is none. */
export function endOfLastLine(bytes: Uint8Array): number {
  const isUtf16LittleEndian = bytes[0] === 0xff && bytes[1] === 0xfe;
  let isQuoted = false;
  let end = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === 0x22) isQuoted = !isQuoted;
    // In little-endian UTF-16 a zero byte follows, which belongs to the line feed.
    else if (bytes[at] === 0x0a && !isQuoted) end = at + (isUtf16LittleEndian ? 2 : 1);
  }
  return Math.min(end, bytes.length);
}
