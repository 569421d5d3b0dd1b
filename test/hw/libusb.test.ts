/** HID by libusb, which takes the device from the kernel. */

import { hidSuite } from './hid-contract.ts'

hidSuite('usbip', 'libusb', 30)
