import type { ObjectStore } from '../../../src/storage/store/object-store.ts';

/** A store that stops working for ever after some writes, as a killed process does. */
export function storeThatDies(store: ObjectStore, afterWrites: number): ObjectStore & { readonly died: boolean } {
  let left = afterWrites;
  let died = false;
  const alive = (): void => {
    if (died || left <= 0) {
      died = true;
      throw new Error('killed');
    }
  };
  const write = async <T>(act: () => Promise<T>): Promise<T> => {
    alive();
    left -= 1;
    return act();
  };
  return {
    ...store,
    get died() {
      return died;
    },
    async get(key, range) {
      if (died) throw new Error('killed');
      return store.get(key, range);
    },
    putIfAbsent: (key, bytes) => write(() => store.putIfAbsent(key, bytes)),
    put: (key, bytes) => write(() => store.put(key, bytes)),
    delete: (key) => write(() => store.delete(key)),
  };
}
