const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function count(value: number): string {
  return whole.format(value);
}

/** Short: `1.2M`. */
export function short(value: number): string {
  return compact.format(value);
}

/** A number a second. */
export function rate(value: number): string {
  if (value === 0) return "0";
  return value < 10 ? value.toFixed(1) : short(value);
}

export function megabytes(bytes: number): string {
  return `${whole.format(bytes / 1_048_576)} MiB`;
}

const clock = new Intl.DateTimeFormat("en", { timeStyle: "medium", hourCycle: "h23" });

/** A time as a clock shows it, from milliseconds since the epoch. */
export function timeOfDay(ms: number): string {
  return clock.format(ms);
}

const date = new Intl.DateTimeFormat("en", { dateStyle: "medium" });

/** The day of a time, where it is not today. */
export function otherDay(ms: number): string | undefined {
  const day = date.format(ms);
  return day === date.format(Date.now()) ? undefined : day;
}

const UNITS: readonly [string, number][] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** A time span with its two largest units: `3 h 12 min`. */
export function span(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1_000));
  const words: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const n = Math.floor(rest / seconds);
    rest -= n * seconds;
    if (n > 0 || words.length > 0 || unit === "s") words.push(`${n} ${unit}`);
    if (words.length === 2) break;
  }
  return words.join(" ");
}
