/** The server cannot start, or a command cannot do its work. The message is one line for the user. */
export class Failure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message.replace(/\s*\n\s*/g, " "), options);
    this.name = new.target.name;
  }
}

/** Why a file cannot be read, in words for the user. */
export function fileProblem({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EISDIR":
      return "it is a directory; name a file";
    case "EACCES":
      return "this user may not read it";
    default:
      return message;
  }
}

/** Why a file of the server's own can be neither read nor made, in words for the user. */
export function ownFileProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "there is no such directory";
    case "EISDIR":
      return "it is a directory; name a file";
    case "EACCES":
      return "this user may not use it";
    case "EEXIST":
      return "another server has just made it; start again";
    default:
      return message;
  }
}
