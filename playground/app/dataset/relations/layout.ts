/** A dataset in the picture: which layer it stands in, from left to right, and its place there. */
export interface Placed {
  name: string;
  layer: number;
  place: number;
}

export interface Edge {
  from: string;
  to: string;
}

/** Sweeps that bring linked datasets side by side; more of them change little. */
const N_SWEEPS = 4;

/**
 * Puts datasets into layers, so that each stands left of those that it refers to, as far as there
 * is no circle; within a layer, each stands near those that it is linked with.
 */
export function layersOf(names: readonly string[], edges: readonly Edge[]): Placed[] {
  const known = new Set(names);
  const links = withoutCircles(
    names,
    edges.filter(({ from, to }) => from !== to && known.has(from) && known.has(to)),
  );
  const layer = new Map<string, number>(names.map((name) => [name, 0]));
  // As many rounds as there are datasets at most: there is no circle left.
  for (let round = 0; round < names.length; round += 1) {
    let isChanged = false;
    for (const { from, to } of links) {
      const wanted = (layer.get(from) ?? 0) + 1;
      if ((layer.get(to) ?? 0) < wanted) {
        layer.set(to, wanted);
        isChanged = true;
      }
    }
    if (!isChanged) break;
  }
  // One that nobody refers to stands right before what it refers to, not far left of it.
  for (const name of names) {
    if (links.some(({ to }) => to === name)) continue;
    const targets = links.filter(({ from }) => from === name).map(({ to }) => layer.get(to) ?? 0);
    if (targets.length > 0) layer.set(name, Math.min(...targets) - 1);
  }
  const layers: string[][] = [];
  for (const name of names) (layers[layer.get(name) ?? 0] ??= []).push(name);
  const columns = layers.filter((column) => column.length > 0);
  for (let sweep = 0; sweep < N_SWEEPS; sweep += 1) {
    const order = sweep % 2 === 0 ? columns : columns.toReversed();
    for (const column of order) settle(column, columns, links);
  }
  return columns.flatMap((column, index) =>
    column.map((name, place) => ({ name, layer: index, place })),
  );
}

/** Orders a layer by where the neighbours of each stand in theirs. */
function settle(column: string[], columns: readonly string[][], links: readonly Edge[]): void {
  const share = new Map(
    columns.flatMap((names) =>
      names.map((name, place) => [name, (place + 0.5) / names.length] as const),
    ),
  );
  const wish = new Map(
    column.map((name) => {
      const near = links
        .filter(({ from, to }) => from === name || to === name)
        .map(({ from, to }) => share.get(from === name ? to : from) ?? 0);
      const own = share.get(name) ?? 0;
      return [name, near.length === 0 ? own : near.reduce((a, b) => a + b, 0) / near.length];
    }),
  );
  column.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
}

/** The edges without those that close a circle. */
function withoutCircles(names: readonly string[], edges: readonly Edge[]): Edge[] {
  const state = new Map<string, 'open' | 'done'>();
  const kept: Edge[] = [];
  function visit(name: string): void {
    state.set(name, 'open');
    for (const edge of edges) {
      if (edge.from !== name || state.get(edge.to) === 'open') continue;
      kept.push(edge);
      if (!state.has(edge.to)) visit(edge.to);
    }
    state.set(name, 'done');
  }
  for (const name of names) if (!state.has(name)) visit(name);
  return kept;
}
