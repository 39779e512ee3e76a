import { expect, it } from 'vitest';
import { boundedMemo } from '../../../src/base/bounded-memo.ts';

it('a memo makes a text once while it remembers, holds no more than its limit, and is right all the same', () => {
  const made: string[] = [];
  const lengthOf = boundedMemo(3, (text) => made.push(text) && text.length);
  const ask = (...texts: string[]): number[] => texts.map(lengthOf);
  expect(ask('', 'a', 'bb', '', 'a', 'bb')).toEqual([0, 1, 2, 0, 1, 2]);
  expect(made).toEqual(['', 'a', 'bb']);
  // The fourth text takes the place of all.
  expect(ask('ccc', 'ccc', 'a')).toEqual([3, 3, 1]);
  expect(made).toEqual(['', 'a', 'bb', 'ccc', 'a']);
});
