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
