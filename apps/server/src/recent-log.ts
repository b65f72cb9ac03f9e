import { readable } from "./log.ts";

/** What was logged once, for people: what is not to be seen in a text is written as JSON writes it. */
export interface LogRecord {
  /** Counts up. */
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly level: string;
  readonly message: string;
  /** What was told beside it. */
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Line {
  readonly id: number;
  readonly text: string;
  readonly bytes: number;
}

const MAX_RECORDS = 1_000;
const MAX_BYTES = 1_048_576;
/** A longer record is kept without its fields: one must not take the place of all others. */
const MAX_RECORD_BYTES = 16_384;
const MAX_MESSAGE_CHARACTERS = 1_000;

/** The last lines of the log, the very ones that standard error got: what is no secret there is none here. */
export class RecentLog {
  private readonly lines: Line[] = [];
  private bytes = 0;
  private logged = 0;

  /** @param line a record as JSON, as `logTo` gives it */
  add(line: string): void {
    const text = Buffer.byteLength(line) > MAX_RECORD_BYTES ? shortened(line) : line;
    const bytes = Buffer.byteLength(text);
    this.logged++;
    this.lines.push({ id: this.logged, text, bytes });
    this.bytes += bytes;
    while (this.lines.length > MAX_RECORDS || this.bytes > MAX_BYTES)
      this.bytes -= this.lines.shift()?.bytes ?? 0;
  }

  /**
   * The records, the newest first.
   *
   * @param before only those with smaller ids
   */
  *newest(before: number = Infinity): Generator<LogRecord> {
    for (const { id, text } of this.lines.toReversed()) {
      if (id >= before) continue;
      const { time, level, msg = "", ...fields } = readable(text);
      yield { id, at: Date.parse(`${time}`), level: `${level}`, message: `${msg}`, fields };
    }
  }
}

function shortened(line: string): string {
  const { level, time, msg = "" } = JSON.parse(line) as Record<string, unknown>;
  const cut = `${msg}`.slice(0, MAX_MESSAGE_CHARACTERS);
  return JSON.stringify({ level, time, msg: cut, shortenedFromBytes: Buffer.byteLength(line) });
}
