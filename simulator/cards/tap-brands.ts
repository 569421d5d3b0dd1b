/** The brands whose applications can be tapped, by their RID. */

import type { Brand } from './profile-words.ts'
import { amexTap } from './tap-amex.ts'
import type { TapBrand } from './tap-brand.ts'
import { discoverTap } from './tap-discover.ts'
import { jcbTap } from './tap-jcb.ts'
import { mastercardTap, mirTap } from './tap-mastercard.ts'
import { unionPayTap, visaTap } from './tap-visa.ts'

export const tapBrands: Readonly<Record<Brand, TapBrand>> = {
  mir: mirTap,
  visa: visaTap,
  mastercard: mastercardTap,
  amex: amexTap,
  jcb: jcbTap,
  discover: discoverTap,
  unionpay: unionPayTap,
}
