/** The address of a bench (`tapdip-sim bench`), with the token behind its `#`. */

import { usageFault } from './refusal.ts'

/** Address and token of a bench, as it prints them: `http://127.0.0.1:7000/#token=…`. @throws Fault `bad-argument` */
export function benchAddress(url: string, field = 'bench'): { readonly origin: string; readonly token: string } {
  const refused = () =>
    usageFault('usage.oneOf', { field, value: url.replace(/(token=).*/, '$1…'), allowed: 'http://127.0.0.1:7000/#token=<token>' })
  let at: URL
  try {
    at = new URL(url)
  } catch {
    throw refused()
  }
  const token = new URLSearchParams(at.hash.slice(1)).get('token') ?? at.searchParams.get('token') ?? ''
  if (!/^https?:$/.test(at.protocol) || token === '') throw refused()
  return { origin: at.origin, token }
}
