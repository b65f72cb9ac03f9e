/** Counts per key and minute or second, in a bounded table: the oldest key is forgotten first. */
export class WindowCounter {
  private readonly windows = new Map<string, { start: number; count: number }>();
  private readonly windowMs: number;
  private readonly maxKeys: number;

  constructor(options: { windowMs: number; maxKeys?: number }) {
    this.windowMs = options.windowMs;
    this.maxKeys = options.maxKeys ?? 10_000;
  }

  /** Counts one more under `key` unless `limit` is reached; tells whether it was counted. */
  take(key: string, limit: number, now: number): boolean {
    const window = this.windows.get(key);
    if (window === undefined || now - window.start >= this.windowMs) {
      if (limit < 1) return false;
      this.windows.delete(key);
      this.windows.set(key, { start: now, count: 1 });
      if (this.windows.size > this.maxKeys) {
        for (const oldest of this.windows.keys()) {
          this.windows.delete(oldest);
          break;
        }
      }
      return true;
    }
    if (window.count >= limit) return false;
    window.count++;
    return true;
  }

  /** How many are counted under `key`. */
  count(key: string, now: number): number {
    const window = this.windows.get(key);
    return window === undefined || now - window.start >= this.windowMs ? 0 : window.count;
  }

  /** Takes one back: what was counted beforehand turned out well. */
  giveBack(key: string): void {
    const window = this.windows.get(key);
    if (window !== undefined && window.count > 0) window.count--;
  }
}
