import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { Config } from "./config/schema.ts";

const STDERR = 2;

/** Logs to standard error: JSON lines, or for people where that is a terminal. Written at once, so none is lost. */
export async function createLog({ level, pretty }: Config["log"]): Promise<Logger> {
  const forPeople = pretty === "auto" ? process.stderr.isTTY === true : pretty;
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const stream = forPeople ? await prettyStream() : pino.destination({ dest: STDERR, sync: true });
  return pino(options, {
    write: (line: string) => stream.write(forPeople ? decodable(line) : visible(line)),
  });
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

/** A line of JSON that is still so when its texts are decoded. Only a stack has several lines. */
function decodable(line: string): string {
  const shown = (key: string, value: unknown): unknown => {
    if (typeof value !== "string") return value;
    return key === "stack" ? visible(value) : visible(value).replaceAll("\n", "\\n");
  };
  return `${JSON.stringify(JSON.parse(line, shown))}\n`;
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
