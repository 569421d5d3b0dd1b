/** The reader contract over every family. */

import { VirtualIdtech } from '../../simulator/readers/idtech/idtech.ts'
import { virtualConfig } from '../../simulator/world.ts'
import { hostKernel } from '../../src/reader/passthrough.ts'
import { readerContract } from './reader-contract.ts'

readerContract({ family: 'qpos', list: 'host' })
readerContract({ family: 'bluepad', list: 'reader' })
readerContract({ family: 'miura', list: 'reader' })
readerContract({ family: 'magtek', dialect: 'v5', list: 'host', without: ['pinPad'] })
readerContract({ family: 'magtek', dialect: 'mms', list: 'reader', without: ['battery', 'listEvent'] })
readerContract({ family: 'idtech', list: 'reader', without: ['pinPad', 'list'] })
readerContract({
  ...{ family: 'idtech', list: 'host', without: ['pinPad'], open: { assumed: ['idtech-menu'] } },
  prepare: device => {
    if (device instanceof VirtualIdtech) device.menus = true
  },
})
readerContract({
  ...{ family: 'idtech', list: 'host', without: ['pinPad', 'tap', 'swipe'], open: { assumed: ['idtech-apdu'] } },
  over: (reader, clock) => hostKernel(reader, { config: virtualConfig(), clock }),
})
