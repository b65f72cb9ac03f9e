/** A median with the range it was taken from. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle value; between two, their mean. What is `undefined` does not count; `NaN` of nothing. */
export function median(values: readonly (number | undefined)[]): number {
  const sorted = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Ratios round by round: both figures of one were measured right after each other, so what the machine did to one it
 * did to the other. Rounds that one of them has no figure for are left out.
 */
export function ratios(
  ours: readonly (number | undefined)[],
  theirs: readonly (number | undefined)[],
): number[] {
  return ours.flatMap((value, round) => {
    const other = theirs[round];
    return value === undefined || other === undefined || other <= 0 ? [] : [value / other];
  });
}

/** The geometric mean: of ratios, one twice and one half as much are as if nothing had changed. `NaN` of nothing. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** A figure with three digits that count: `1.23 M`, `45.6 k`, `0.912`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (size >= 1e3) return `${trim(value / 1e3)} k`;
  return trim(value);
}

function trim(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
