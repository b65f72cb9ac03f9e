/** Something that cannot be done here, told in one line. Anything else that is thrown is a bug. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;

  /** @param exitCode 1 failed, 2 wrong usage */
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Ends the program, with one line for a {@link Failure} and all there is for a bug. */
export function exitWith(program: string, error: unknown): never {
  const text =
    error instanceof Failure ? error.message : error instanceof Error ? error.stack : String(error);
  console.error(`${program}: ${text}`);
  process.exit(error instanceof Failure ? error.exitCode : 1);
}
