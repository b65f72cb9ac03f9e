import { MAX_NAME_LENGTH } from "./limits.ts";

// Control characters (C0, DEL, C1) and format characters: what a name could hide, or do to a terminal.
const UNSEEN = /[\p{Cc}\p{Cf}]/u;

/**
 * Why `name` cannot name a user, room or group; `undefined` where it can.
 *
 * @param separators characters that the protocol keeps for itself
 */
export function nameProblem(name: string, separators = ""): string | undefined {
  if (name === "") return "a name cannot be empty";
  if (name.length > MAX_NAME_LENGTH) return `a name has at most ${MAX_NAME_LENGTH} characters`;
  const unseen = UNSEEN.exec(name);
  if (unseen !== null) return `a name cannot hold ${codePoint(unseen[0])}`;
  for (const separator of separators) {
    if (name.includes(separator)) return `a name cannot hold "${separator}"`;
  }
  return undefined;
}

/** The form in which user names are compared: NFKC, lower case. */
export function nameKey(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

const ACCOUNT_NAME = /^[A-Za-z0-9_-]*$/;
export const MIN_ACCOUNT_NAME = 3;
export const MAX_ACCOUNT_NAME = 32;

/** What is wrong with an account's name: `name_too_short`, `invalid_name` and why; `undefined` for nothing. */
export function accountNameProblem(
  name: string,
): { code: "name_too_short" | "invalid_name"; text: string } | undefined {
  if (!ACCOUNT_NAME.test(name)) {
    return { code: "invalid_name", text: "a user name is made of letters, digits, _ and -" };
  }
  if (name.length < MIN_ACCOUNT_NAME) {
    return { code: "name_too_short", text: `a user name has at least ${MIN_ACCOUNT_NAME} characters` };
  }
  if (name.length > MAX_ACCOUNT_NAME) {
    return { code: "invalid_name", text: `a user name has at most ${MAX_ACCOUNT_NAME} characters` };
  }
  return undefined;
}

function codePoint(text: string): string {
  return `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
