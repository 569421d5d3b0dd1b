/** A page with a reader of one family. */

import { openFamily, qposFamily } from 'tapdip'

globalThis.openReader = link => openFamily(link, qposFamily)
