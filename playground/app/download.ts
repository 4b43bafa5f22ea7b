/** Gives the reader a file made in the browser. */
export function download(fileName: string, contentType: string, content: string | Blob): void {
  const url = URL.createObjectURL(new Blob([content], { type: contentType }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
