import { readFileSync, statSync } from "node:fs";
import { UsageError } from "@wireyard/session";
import { faviconUrl } from "@wireyard/varint-state/server";
import { Failure, fileProblem } from "./errors.ts";

const KEY = "protocols.varint-state.favicon";
/** More is no icon, and not worth reading. */
const MAX_FILE_BYTES = 1_048_576;

/**
 * Reads the icon of the status.
 *
 * @param file path of a PNG of 64x64 pixels
 * @returns what the status holds
 * @throws {Failure} which names the key and says what is wrong with the file
 */
export function readFavicon(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) throw new UsageError(`it has ${size} bytes, which no icon has`);
    return faviconUrl(readFileSync(file));
  } catch (error) {
    throw new Failure(`${KEY}: ${file}: ${fileProblem(error as NodeJS.ErrnoException)}`, { cause: error });
  }
}
