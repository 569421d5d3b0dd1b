/** The brands whose applications can be tapped, by their RID. */

import type { Brand } from '../profile/words.ts'
import { amexTap } from './amex.ts'
import type { TapBrand } from './brand.ts'
import { discoverTap } from './discover.ts'
import { jcbTap } from './jcb.ts'
import { mastercardTap, mirTap } from './mastercard.ts'
import { unionPayTap, visaTap } from './visa.ts'

export const tapBrands: Readonly<Record<Brand, TapBrand>> = {
  mir: mirTap,
  visa: visaTap,
  mastercard: mastercardTap,
  amex: amexTap,
  jcb: jcbTap,
  discover: discoverTap,
  unionpay: unionPayTap,
}
