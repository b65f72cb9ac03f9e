const SHOWN = "[secret]";

/** A value that is there to be used and never to be seen: whatever prints, logs or serialises it shows `[secret]`. */
export class Secret {
  readonly #value: string;
  readonly #shown: string;

  /** @param shown what is seen in its place, such as a URL without its password */
  constructor(value: string, shown: string = SHOWN) {
    this.#value = value;
    this.#shown = shown;
  }

  /** The value itself, for the one place that has to know it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return this.#shown;
  }

  toJSON(): string {
    return this.#shown;
  }

  /** What Node's `console` and `util.inspect` show. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.#shown;
  }
}
