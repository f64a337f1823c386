/** Name of an object that has no label. */
export const unnamed = 'object';

/** Numbers labels from 1 on, in the order in which they are first asked for. */
export type Categories = {
  /** Number of a label; null is an object without one. */
  idOf(label: string | null): number;
  /** As COCO and YouTube-VIS list them. */
  readonly list: readonly { readonly id: number; readonly name: string }[];
};

/** No labels yet. */
export function createCategories(): Categories {
  const ids = new Map<string, number>();
  return {
    idOf(label) {
      const name = label ?? unnamed;
      const id = ids.get(name) ?? ids.size + 1;
      ids.set(name, id);
      return id;
    },
    get list() {
      return [...ids].map(([name, id]) => ({ id, name }));
    },
  };
}
