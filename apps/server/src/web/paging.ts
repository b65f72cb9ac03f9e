/** A page of a list, and where the next begins; `null` behind the last. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** What is wrong with a parameter, for the one who sent it. */
export class BadParameter extends Error {}

const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

/** @throws {BadParameter} where it is not a number of rows */
export function limitOf(text: string | undefined): number {
  const limit = text === undefined ? DEFAULT_LIMIT : wholeNumber("limit", text);
  if (limit < 1 || limit > MAX_LIMIT) throw new BadParameter(`limit must be 1 to ${MAX_LIMIT}`);
  return limit;
}

/** @throws {BadParameter} where it is no whole number */
export function wholeNumber(name: string, text: string): number {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) throw new BadParameter(`${name} must be a whole number`);
  return Number(text);
}

/** A page of `rows`, of which one more than `limit` were looked for. */
export function pageOf<Item, Row>(
  items: readonly Item[],
  limit: number,
  row: (item: Item) => Row,
  cursor: (last: Item) => string,
): Page<Row> {
  const shown = items.slice(0, limit);
  const last = shown.at(-1);
  const next = items.length > limit && last !== undefined ? cursor(last) : null;
  return { rows: shown.map(row), next };
}

/**
 * The first `count` of many in an order: what is behind them is not sorted.
 *
 * @param after where they begin, itself left out
 */
export function firstOf<Place, Item extends Place>(
  items: Iterable<Item>,
  count: number,
  compare: (a: Place, b: Place) => number,
  after?: Place,
): Item[] {
  const first: Item[] = [];
  for (const item of items) {
    if (after !== undefined && compare(item, after) <= 0) continue;
    const last = first.at(-1);
    if (first.length === count && last !== undefined && compare(item, last) >= 0) continue;
    let [low, high] = [0, first.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(item, first[middle] as Item) < 0) high = middle;
      else low = middle + 1;
    }
    first.splice(low, 0, item);
    if (first.length > count) first.pop();
  }
  return first;
}
