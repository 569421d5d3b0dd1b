/** HID over the kernel's own driver, hidraw: devices made by /dev/uhid, and devices on a USB bus. */

import { hidSuite } from './hid-contract.ts'

hidSuite('uhid', 'hidraw', 24)
hidSuite('usbip', 'hidraw')
