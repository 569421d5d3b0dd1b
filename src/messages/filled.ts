/** A text of the table with its places filled in. */

/** `{name}` is replaced from `params`, and stays where they have none of that name. */
export function filled(text: string, params: Readonly<Record<string, string | number>> = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
}
