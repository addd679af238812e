// Which units are selected: some by their keys, or all that match the filter but some. Values, never changed in place.

export interface Selection {
  all: boolean;
  /** The selected ones; with `all`, those that are not. */
  keys: ReadonlySet<string>;
}

export const NONE: Selection = { all: false, keys: new Set() };
export const ALL: Selection = { all: true, keys: new Set() };

export function has(selection: Selection, key: string): boolean {
  return selection.keys.has(key) !== selection.all;
}

export function size(selection: Selection, total: number): number {
  return selection.all ? Math.max(0, total - selection.keys.size) : selection.keys.size;
}

export function set(selection: Selection, keys: Iterable<string>, on: boolean): Selection {
  const next = new Set(selection.keys);
  for (const key of keys) {
    if (on === selection.all) next.delete(key);
    else next.add(key);
  }
  return { all: selection.all, keys: next };
}
