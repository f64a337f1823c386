/**
 * Works on `items` in their order, at most `jobs` of them at a time. The first failure is thrown, when
 * what was under way has ended too: `stopOthers` is called for that, and nothing new is begun.
 */
export async function runSideBySide<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
  options: { readonly jobs: number; readonly stopOthers: () => void },
): Promise<void> {
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && failures.length === 0) {
      const item = items[next++]!;
      try {
        await work(item);
      } catch (reason) {
        failures.push(reason);
        options.stopOthers();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
