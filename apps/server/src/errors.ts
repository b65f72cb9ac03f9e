/** The server cannot start, or a command cannot do its work. The message is one line for the user. */
export class Failure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message.replace(/\s*\n\s*/g, " "), options);
    this.name = new.target.name;
  }
}
