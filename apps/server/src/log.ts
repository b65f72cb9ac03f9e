import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { Config } from "./config/schema.ts";
import type { RecentLog } from "./recent-log.ts";

const STDERR = 2;

/**
 * Logs to standard error: JSON lines, or for people where that is a terminal. Written at once, so none is lost.
 *
 * @param recent what keeps the last lines for the console
 */
export async function createLog({ level, pretty }: Config["log"], recent?: RecentLog): Promise<Logger> {
  const forPeople = pretty === "auto" ? process.stderr.isTTY === true : pretty;
  const stream = forPeople ? await prettyStream() : pino.destination({ dest: STDERR, sync: true });
  return logTo(level, (line) => {
    stream.write(forPeople ? `${JSON.stringify(readable(line))}\n` : visible(line));
    recent?.add(line);
  });
}

/** A logger that writes each record as a line of JSON. */
export function logTo(level: string, write: (line: string) => void): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime, formatters }, { write });
}

/** What could move a cursor, hide, or turn text round, where somebody reads the log; JSON itself lets half of it pass. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A text in which what is not to be seen is written as JSON writes it, `\u001b`; line ends stay. */
function visible(text: string): string {
  return text.replace(UNSEEN, (unseen) =>
    unseen === "\n"
      ? unseen
      : [...Array(unseen.length).keys()]
          .map((i) => `\\u${unseen.charCodeAt(i).toString(16).padStart(4, "0")}`)
          .join(""),
  );
}

/** A line of JSON, taken apart: its texts can be shown as they are. Only a stack has several lines. */
export function readable(line: string): Record<string, unknown> {
  return JSON.parse(line, (key, value: unknown) => {
    if (typeof value !== "string") return value;
    return key === "stack" ? visible(value) : visible(value).replaceAll("\n", "\\n");
  });
}

async function prettyStream(): Promise<DestinationStream> {
  const { default: pinoPretty } = await import("pino-pretty");
  const colorize = process.stderr.hasColors?.() ?? false;
  return pinoPretty({
    destination: STDERR,
    sync: true,
    singleLine: true,
    colorize,
    translateTime: "SYS:HH:MM:ss.l",
  });
}
