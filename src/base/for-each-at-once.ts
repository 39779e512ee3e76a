/** Requests of one kind that are under way at once where there is no reason for another number. */
const AT_ONCE = 16;

/**
 * Does something with each of many, several at once. What fails first is thrown when the others under way
 * have ended: nothing goes on behind the caller's back.
 */
export async function forEachAtOnce<T>(
  items: Iterable<T>,
  act: (item: T) => Promise<void>,
  atOnce: number = AT_ONCE,
): Promise<void> {
  const next = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let item = next.next(); item.done !== true && failures.length === 0; item = next.next()) {
      await act(item.value).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (failures.length > 0) throw failures[0];
}
