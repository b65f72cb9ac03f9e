/** One case of a contract suite. `run` rejects where the contract is broken. */
export interface Case {
  readonly name: string;
  run(): Promise<void>;
}

/** @throws {Error} where the two do not print alike as JSON */
export function same(seen: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}:\n  expected ${b}\n  seen     ${a}`);
}
