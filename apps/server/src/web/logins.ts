import { randomBytes, timingSafeEqual } from "node:crypto";
import { addressKey, WindowCounter } from "@wireyard/session";
import type { AdminToken } from "./admin-token.ts";

/** A browser that has shown the token. */
export interface Login {
  readonly id: string;
  /** What a request that changes something has to repeat: a page of somebody else cannot read it. */
  readonly csrf: string;
  readonly until: number;
}

const FAILURES_PER_MINUTE = 20;
const MINUTE_MS = 60_000;
/** A login ends after this, and with the process: nothing of it is stored. */
export const LOGIN_MS = 43_200_000;
/** The oldest login goes where there are more. */
const MAX_LOGINS = 64;
const ID_BYTES = 32;

/** Who is logged in as the administrator, and who has tried too often. */
export class Logins {
  private readonly token: AdminToken;
  private readonly clock: () => number;
  private readonly byId = new Map<string, Login>();
  private readonly failures = new WindowCounter({ windowMs: MINUTE_MS });

  /** @param clock milliseconds since the epoch */
  constructor(token: AdminToken, clock: () => number = Date.now) {
    this.token = token;
    this.clock = clock;
  }

  /**
   * Looks at a token. The right one is never `limited`: nobody can guess 256 bits, and a stranger behind the same
   * proxy must not lock the administrator out.
   */
  check(token: string, address: string): "right" | "wrong" | "limited" {
    if (this.token.matches(token)) return "right";
    return this.failures.take(addressKey(address), FAILURES_PER_MINUTE, this.clock()) ? "wrong" : "limited";
  }

  start(): Login {
    const [id, csrf] = [randomBytes(ID_BYTES), randomBytes(ID_BYTES)].map((bytes) =>
      bytes.toString("base64url"),
    );
    const login = { id: id as string, csrf: csrf as string, until: this.clock() + LOGIN_MS };
    this.byId.set(login.id, login);
    for (const oldest of this.byId.keys()) {
      if (this.byId.size <= MAX_LOGINS) break;
      this.byId.delete(oldest);
    }
    return login;
  }

  find(id: string | undefined): Login | undefined {
    const login = id === undefined ? undefined : this.byId.get(id);
    if (login === undefined || login.until > this.clock()) return login;
    this.byId.delete(login.id);
    return undefined;
  }

  end(login: Login): void {
    this.byId.delete(login.id);
  }
}

/** Whether two texts are the same, in a time that does not tell where they differ. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
