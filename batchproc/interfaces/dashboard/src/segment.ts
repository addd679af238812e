// A word as one part of an address, and back. Browsers take parts that are `.` or `..` (also as %2E) for steps in the path,
// so a `~` stands before them, and before whatever begins with one. The server reads the keys of units alike.

export function written(word: string): string {
  return encodeURIComponent(/^(~|\.\.?$)/.test(word) ? `~${word}` : word);
}

export function read(part: string): string {
  const word = decoded(part);
  return word.startsWith("~") ? word.slice(1) : word;
}

export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // an address that somebody typed
  }
}
