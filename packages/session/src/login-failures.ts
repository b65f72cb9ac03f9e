import type { Limits } from "./limits.ts";
import { nameKey } from "./names.ts";
import { WindowCounter } from "./rate.ts";

const MINUTE_MS = 60_000;
/** Names that are longer belong to nobody: they are counted by their beginning. */
const COUNTED_NAME_LENGTH = 64;

/**
 * Failed logins of a minute, by address and user, and by address over all users. Nobody is locked out by what comes
 * from another address; and who guesses at many users cannot make the table forget what it counted of one.
 */
export class LoginFailures {
  private readonly byUser = new WindowCounter({ windowMs: MINUTE_MS });
  private readonly byAddress = new WindowCounter({ windowMs: MINUTE_MS });

  /** Counts a try as a failure until it is given back; tells whether it may be made. */
  take(address: string, user: string, limits: Limits, now: number): boolean {
    if (!this.byAddress.take(address, limits.loginFailuresPerIp, now)) return false;
    if (this.byUser.take(keyOf(address, user), limits.loginFailuresPerMinute, now)) return true;
    this.byAddress.giveBack(address);
    return false;
  }

  /** The try was no failure. */
  giveBack(address: string, user: string): void {
    this.byUser.giveBack(keyOf(address, user));
    this.byAddress.giveBack(address);
  }
}

function keyOf(address: string, user: string): string {
  return `${address} ${nameKey(user.slice(0, COUNTED_NAME_LENGTH))}`;
}
