/** `, 75 %` of answers that came from memory; nothing before there were any. */
export function hitShare(figures: { cacheHits: string; cacheMisses: string }): string {
  const hits = Number(figures.cacheHits);
  const all = hits + Number(figures.cacheMisses);
  return all === 0 ? '' : `, ${Math.round((hits / all) * 100)} %`;
}
