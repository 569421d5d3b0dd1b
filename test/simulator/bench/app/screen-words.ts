/** The guide's rows as the app's screens say them: where the command line has keys to type, a screen has buttons and fields. */

import { type Row, rows, type Word } from '../../../devices/commands/mpos-rows.ts'
import { reasonOf } from '../../../devices/commands/mpos-words.ts'
import type { FamilyRow } from '../../../devices/families.ts'

/** In place of what only a terminal says. */
const instead: Readonly<Record<string, readonly Word[]>> = {
  'app.receivedPrompt': [['screen.received', 'Received', 'Получено']],
  'app.received': [['screen.received', 'Received: {amount}', 'Получено: {amount}']],
  'app.changeDue': [['screen.change', 'Change: {amount}', 'Сдача: {amount}']],
  'app.connectPrompt': [
    ['button.connect', 'CONNECT', 'ПОДКЛЮЧИТЬСЯ'],
    ['button.searchAgain', 'SEARCH AGAIN', 'ПОВТОРИТЬ ПОИСК'],
  ],
  'app.chooseOther': [['button.chooseOther', 'CHOOSE ANOTHER', 'ВЫБРАТЬ ДРУГОЙ']],
  'app.searchAgainPrompt': [['button.searchAgain', 'SEARCH AGAIN', 'ПОВТОРИТЬ ПОИСК']],
  'app.signaturePrompt': [
    ['app.signHere', 'Sign here', 'Введите подпись'],
    ['button.clear', 'Clear', 'Очистить'],
    ['button.cancel', 'Cancel', 'Отмена'],
  ],
  'app.choicePrompt': [['button.cancel', 'Cancel', 'Отмена']],
  'app.sbpKeys': [
    ['button.showCode', 'Show the QR code again', 'Показать QR-код ещё раз'],
    ['button.otherWay', 'Another way to pay', 'Другой способ оплаты'],
    ['button.cancel', 'Cancel', 'Отмена'],
  ],
  'app.printReceipt': [['button.printReceipt', 'Print the receipt', 'Печать чека']],
}

/** What only a screen of the guide has: dialogs of the phone. */
const more: Readonly<Record<string, readonly Word[]>> = {
  7: [
    ['app.locationNext', 'Press “OK” in the next message.', 'Для этого нажмите "ОК" в следующем сообщении.'],
    ['button.showMessage', 'SHOW THE MESSAGE', 'ПОКАЗАТЬ СООБЩЕНИЕ'],
  ],
  8: [
    ['app.locationPermission', 'Allow Assist mPOS to use the location of this device?', 'Разрешить приложению Assist mPOS доступ к данным о местоположении устройства?'], // biome-ignore format: a line
    ['button.allow', 'ALLOW ONLY WHILE THE APP IS USED', 'РАЗРЕШИТЬ ТОЛЬКО ВО ВРЕМЯ ИСПОЛЬЗОВАНИЯ ПРИЛОЖЕНИЯ'],
    ['button.deny', 'DENY', 'ЗАПРЕТИТЬ'],
  ],
  28: [['button.retry', 'Try again', 'Повторить оплату']],
}

const tapped: readonly Word[] = [
  ['app.cardTapped', 'Contactless card tapped.', 'Приложена бесконтактная карта.'],
  ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
]

/** The same rows, and those that only an app's screens have: the command line is given its phone and its link by others. */
export const screenRows: readonly Row[] = [
  ...rows.map(row => ({ ...row, words: [...row.words.flatMap(word => instead[word[0]] ?? [word]), ...(more[row.row] ?? [])] })),
  {
    row: '13',
    scene: 'pairing',
    words: [
      ['app.pair', 'Pair with {reader}?', 'Выполнить сопряжение с {reader}?'],
      ['link.pairing', 'Pairing with the reader failed', 'Не удалось выполнить сопряжение с картридером'],
      ['app.connected', 'Reader {reader} is ready.', 'Картридер {reader} готов.'],
    ],
  },
  {
    row: '29a',
    scene: 'late',
    words: [
      ['app.reconciling', 'The result is not known yet: asking the host…', 'Платёж в процессе: запрос результата…'],
      ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
      ['state.Approved', 'Paid', 'Оплачен'],
    ],
  },
  {
    row: '34',
    scene: 'threeDays',
    words: [
      ['notice.title', 'Synchronisation with the server', 'Синхронизация с сервером'],
      ['notice.state', 'The state of order No. {order} has changed to "{state}"', 'Статус заказа №{order} изменился на "{state}"'],
    ],
  },
  {
    row: '40',
    scene: 'softpos',
    words: [
      ['method.softpos', ': SoftPOS', ': SoftPOS'],
      ['app.tapPhone', 'Please tap the card on this phone.', 'Пожалуйста, приложите карту к этому телефону.'],
      ['reader.presentCard', 'Present card.', 'Предъявите карту.'],
      ...tapped,
    ],
  },
  {
    row: '40a',
    scene: 'softposPin',
    words: [
      ['app.pinOnPhone', 'The customer enters the PIN on this phone.', 'Покупатель вводит PIN-код на этом телефоне.'],
      ['reader.enterPin', '^ENTER PIN:', '^ВВЕДИТЕ ПИН:'],
      ['app.pinOk', 'PIN entered.', 'PIN-код введён.'],
      ...tapped,
    ],
  },
  {
    row: '41',
    scene: 'softposTorn',
    words: [['reader.presentCardAgain', 'PRESENT CARD AGAIN', 'ПРИЛОЖИТЕ КАРТУ ЕЩЁ РАЗ'], ...tapped],
  },
  {
    row: '41a',
    scene: 'softposTwo',
    words: [['reader.presentOneCard', 'PLEASE PRESENT ONE CARD ONLY', 'ПРИЛОЖИТЕ ТОЛЬКО ОДНУ КАРТУ'], ...tapped],
  },
  {
    row: '41b',
    scene: 'softposLocked',
    words: [['reader.seePhone', 'PLEASE SEE PHONE', 'СМОТРИТЕ НА ТЕЛЕФОН'], ...tapped],
  },
  { row: '15a', scene: 'firmware', words: [['button.update', 'Update the firmware', 'Обновить прошивку']] },
]

/** Why a family's reader does not show a row on a screen, or undefined. */
export function screenReason(row: Row, family: FamilyRow): string | undefined {
  if (row.row === '15a' && (family.family === 'idtech' || family.name === 'magtek v5')) return 'it takes no firmware here'
  return reasonOf(row, family)
}
