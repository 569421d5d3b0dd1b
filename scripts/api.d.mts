export function reports(forgotten?: (entry: string, name: string) => void): Map<string, string>
