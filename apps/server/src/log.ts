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
  return pino(options, forPeople ? await prettyStream() : pino.destination({ dest: STDERR, sync: true }));
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
