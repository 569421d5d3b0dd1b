/** The guide's rows with their own words, as the guide and its English have them: literal, so that a text of the table that changes is seen here. */

import type { MessageId } from '../../../src/messages/messages.ts'

/** The id, and its words; `{name}` stands for what is put in, `^` for the beginning of a line. Where other texts have the same words, what stands around them tells which is meant. */
export type Word = readonly [id: MessageId, english: string, russian: string]

export interface Row {
  /** Of docs/mpos-behaviour.md; a letter where a row has words that not everybody can say together. */
  readonly row: string
  /** Of test/devices/commands/mpos-scenes.ts. */
  readonly scene: string
  readonly words: readonly Word[]
  /** What must not be said. */
  readonly never?: readonly Word[]
}

export const rows: readonly Row[] = [
  {
    row: '1',
    scene: 'order',
    words: [
      ['screen.orderData', 'ORDER', 'ДАННЫЕ ЗАКАЗА'],
      ['screen.number', 'Order number', 'Номер заказа'],
      ['screen.items', 'Items', 'Позиции заказа'],
      ['screen.discount', 'DISCOUNT', 'СКИДКА'],
      ['screen.total', 'Total', 'Всего'],
      ['screen.prepaid', 'Prepaid before', 'Предоплачено ранее'],
      ['screen.toPay', 'To pay', 'К оплате'],
      ['screen.email', 'Email for the receipt', 'Email для отправки чека'],
      ['screen.comment', 'Comment', 'Комментарий к заказу'],
    ],
  },
  {
    row: '2',
    scene: 'cash',
    words: [
      ['screen.methods', 'METHOD OF PAYMENT', 'СПОСОБ ОПЛАТЫ'],
      ['method.cash', 'Cash', 'Наличные'],
      ['method.reader', 'Card reader', 'Картридер'],
      ['method.sbp', 'SBP', 'СБП'],
      ['method.softpos', 'SoftPOS', 'SoftPOS'],
    ],
  },
  {
    row: '3',
    scene: 'cash',
    words: [
      ['app.change', 'CHANGE', 'ПОДСЧЁТ СДАЧИ'],
      ['app.receivedPrompt', 'Received (empty: the exact amount, x cancels): ', 'Получено (пусто — без сдачи, x — отмена): '],
      ['app.tooLittle', '{received} is less than the order: {amount}', '{received} меньше суммы заказа: {amount}'],
      ['app.received', '> Received: {amount}', '> Получено: {amount}'],
      ['app.changeDue', '> Change: {amount}', '> Сдача: {amount}'],
    ],
  },
  {
    row: '4',
    scene: 'cashCross',
    words: [
      ['app.change', 'CHANGE', 'ПОДСЧЁТ СДАЧИ'],
      ['app.cancelled', 'CANCELLED: {reason}', 'ОТМЕНЕНО: {reason}'],
      ['reason.merchantCancelled', 'cancelled by the merchant', 'отменено продавцом'],
    ],
  },
  {
    row: '5',
    scene: 'decline',
    words: [
      ['screen.result', 'RESULT', 'РЕЗУЛЬТАТ'],
      ['screen.orderInformation', 'Order information', 'Информация о заказе'],
      ['screen.state', 'State', 'Статус заказа'],
      ['state.Approved', 'Paid', 'Оплачен'],
      ['screen.amount', 'Order amount', 'Сумма заказа'],
      ['screen.prepayment', 'Prepayment', 'Предоплата'],
      ['screen.method', 'Paid by', 'Способ оплаты'],
      ['method.reader', ': Card reader', ': Картридер'],
      ['screen.date', 'Date', 'Дата заказа'],
      ['screen.number', 'Order number', 'Номер заказа'],
      ['screen.transaction', 'Transaction number', 'Номер транзакции'],
    ],
  },
  {
    row: '6',
    scene: 'offline',
    words: [
      [
        'app.cashOffline',
        'No connection to the server: the order is paid offline and will be handed over later.',
        'Нет соединения с сервером: заказ оплачен OFFLINE и будет передан на сервер позже.',
      ],
      ['notice.title', 'Synchronisation with the server', 'Синхронизация с сервером'],
      [
        'notice.fiscalised',
        'The fiscal document of order No. {order} was handed to Assist',
        'Фискальный документ для заказа №{order} передан в Ассист',
      ],
    ],
  },
  {
    row: '7',
    scene: 'location',
    words: [
      [
        'link.location-off',
        'To search for readers, the location service must be switched on',
        'Для поиска картридера необходимо включить "Геолокацию"',
      ],
    ],
  },
  {
    row: '8',
    scene: 'location',
    words: [
      [
        'link.location-denied',
        'The location service could not be used: the app is not allowed to',
        'Ошибка включения "Геолокации": приложению не разрешён доступ к данным о местоположении устройства',
      ],
    ],
  },
  {
    row: '9',
    scene: 'found',
    words: [['app.searching', 'Searching for readers nearby…', 'Поиск картридеров поблизости…']],
  },
  {
    row: '10',
    scene: 'found',
    words: [
      ['app.found', 'Found reader {reader}. Connect?', 'Найден картридер {reader}. Хотите подключиться?'],
      [
        'app.connectPrompt',
        'Enter connects, r searches again, a number chooses another, x gives up: ',
        'Enter — подключиться, r — повторить поиск, номер — выбрать другой, x — отказаться: ',
      ],
    ],
  },
  {
    row: '11',
    scene: 'other',
    words: [
      ['app.connecting', 'Connecting to reader {reader}…', 'Подключение картридера {reader}…'],
      ['app.chooseOther', 'o chooses another reader', 'o — выбрать другой'],
      ['app.searching', 'Searching for readers nearby…', 'Поиск картридеров поблизости…'],
    ],
  },
  {
    row: '12',
    scene: 'nobody',
    words: [
      ['app.noReaders', 'No readers found nearby.', 'Картридеры поблизости не найдены.'],
      ['app.searchAgainPrompt', 'Enter searches again, x gives up: ', 'Enter — повторить поиск, x — отказаться: '],
    ],
  },
  {
    row: '14',
    scene: 'found',
    words: [
      ['app.connecting', 'Connecting to reader {reader}…', 'Подключение картридера {reader}…'],
      ['app.connected', 'Reader {reader} is ready.', 'Картридер {reader} готов.'],
      ['app.connectingLast', 'Connecting to the last reader {reader}…', 'Соединение с последним подключённым картридером {reader}…'],
    ],
  },
  {
    row: '15',
    scene: 'firmware',
    words: [['fault.update-required', 'The reader needs a firmware update', 'Необходимо обновить прошивку картридера']],
  },
  {
    row: '16',
    scene: 'flat',
    words: [['fault.low-battery', 'The reader’s battery is too low: charge it', 'Недостаточный заряд батареи картридера: зарядите его']],
  },
  {
    row: '16a',
    scene: 'low',
    words: [
      [
        'app.lowBattery',
        'The reader’s battery is low: {percent} %. Charge it soon.',
        'Низкий заряд батареи картридера: {percent} %. Поставьте его на зарядку.',
      ],
    ],
  },
  {
    row: '17',
    scene: 'stripe',
    words: [
      ['app.presentCard', 'Please insert, swipe or tap the card.', 'Пожалуйста, вставьте/прокатайте/приложите карту.'],
      ['app.cardSwiped', 'Card swiped.', 'Карта прокатана.'],
    ],
  },
  {
    row: '17a',
    scene: 'stripe',
    words: [['reader.presentCard', 'Present card.', 'Предъявите карту.']],
  },
  {
    row: '18',
    scene: 'pin',
    words: [
      ['screen.payment', 'PAYMENT', 'ПРОВЕДЕНИЕ ПЛАТЕЖА'],
      ['screen.details', 'Details', 'Детальная информация'],
      ['app.presentCard', 'Please insert, swipe or tap the card.', 'Пожалуйста, вставьте/прокатайте/приложите карту.'],
      ['app.cardInserted', 'Chip card inserted.', 'Вставлена чиповая карта.'],
      ['app.wait', 'Please wait…', 'Пожалуйста, подождите…'],
    ],
  },
  {
    row: '19',
    scene: 'signature',
    words: [
      ['app.signature', 'CUSTOMER SIGNATURE', 'ПОДПИСЬ ПОКУПАТЕЛЯ'],
      [
        'app.signaturePrompt',
        'Sign (c clears, x cancels the payment, empty does nothing): ',
        'Введите подпись (c — очистить, x — отменить оплату, пусто — ничего): ',
      ],
      ['app.signatureEmpty', 'There is no stroke yet.', 'Подпись ещё не выполнена.'],
      ['app.authorising', 'Asking for authorisation…', 'Запрос авторизации…'],
      ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
    ],
  },
  {
    row: '20',
    scene: 'cross',
    words: [
      ['app.signature', 'CUSTOMER SIGNATURE', 'ПОДПИСЬ ПОКУПАТЕЛЯ'],
      ['app.cancelled', 'CANCELLED: {reason}', 'ОТМЕНЕНО: {reason}'],
      ['reason.cardholderCancelled', 'cancelled by the customer', 'отменено покупателем'],
    ],
  },
  {
    row: '21',
    scene: 'tap',
    never: [
      ['app.enterPin', 'The customer enters the PIN on the reader.', 'Покупатель вводит PIN-код на картридере.'],
      ['app.signature', 'CUSTOMER SIGNATURE', 'ПОДПИСЬ ПОКУПАТЕЛЯ'],
      ['reader.enterPin', 'ENTER PIN:', 'ВВЕДИТЕ ПИН:'],
    ],
    words: [
      ['app.cardTapped', 'Contactless card tapped.', 'Приложена бесконтактная карта.'],
      ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
    ],
  },
  {
    row: '22',
    scene: 'pin',
    words: [['reader.processing', 'Processing. Please wait.', 'Обработка. Подождите.']],
  },
  {
    row: '22a',
    scene: 'pin',
    words: [['app.authorising', 'Asking for authorisation…', 'Запрос авторизации…']],
  },
  {
    row: '23',
    scene: 'signature',
    words: [
      ['reader.removeCard', 'PLEASE REMOVE CARD', 'ЗАБЕРИТЕ КАРТУ'],
      ['reader.successful', 'TRANSACTION SUCCESSFUL', 'ОПЕРАЦИЯ ВЫПОЛНЕНА'],
    ],
  },
  {
    row: '24',
    scene: 'pin',
    words: [['reader.enterPin', '^ENTER PIN:', '^ВВЕДИТЕ ПИН:']],
  },
  {
    row: '24a',
    scene: 'pin',
    words: [
      ['app.enterPin', 'The customer enters the PIN on the reader.', 'Покупатель вводит PIN-код на картридере.'],
      ['app.pinOk', 'PIN entered.', 'PIN-код введён.'],
    ],
  },
  {
    row: '25',
    scene: 'pin',
    words: [
      ['reader.approved', 'TRANSACTION APPROVED', 'ОПЕРАЦИЯ ОДОБРЕНА'],
      ['reader.removeCard', 'PLEASE REMOVE CARD', 'ЗАБЕРИТЕ КАРТУ'],
    ],
  },
  {
    row: '26',
    scene: 'pin',
    words: [['reader.wrongPin', 'WRONG PIN! ENTER PIN:', 'НЕВЕРНЫЙ ПИН! ВВЕДИТЕ ПИН:']],
  },
  {
    row: '26a',
    scene: 'pin',
    words: [['app.pinWrong', 'Wrong PIN: the customer enters it again.', 'Неверный PIN-код: покупатель вводит его снова.']],
  },
  {
    row: '27',
    scene: 'decline',
    words: [
      ['app.declined', 'DECLINED: {reason}', 'ОТКАЗ: {reason}'],
      ['reason.hostDeclined', 'declined by the bank', 'отклонено банком'],
      ['host.51', 'not enough money', 'недостаточно средств'],
      ['screen.information', '^Information: ', '^Информация: '],
    ],
  },
  {
    row: '28',
    scene: 'decline',
    words: [
      ['state.Declined', 'Declined', 'Отказ'],
      ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
      ['state.Approved', 'Paid', 'Оплачен'],
    ],
  },
  {
    row: '29',
    scene: 'process',
    words: [
      ['app.reconciling', 'The result is not known yet: asking the host…', 'Платёж в процессе: запрос результата…'],
      ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
    ],
  },
  {
    row: '30',
    scene: 'network',
    words: [
      ['app.declined', 'DECLINED: {reason}', 'ОТКАЗ: {reason}'],
      ['reason.unableToGoOnline', 'the bank could not be reached', 'нет связи с банком'],
      ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
    ],
  },
  {
    row: '31',
    scene: 'lost',
    words: [['fault.link-closed', 'The connection to the reader was lost', 'Связь с картридером потеряна']],
  },
  {
    row: '32',
    scene: 'decline',
    words: [['app.alreadyPaid', 'Order {order} is already paid.', 'Заказ {order} уже оплачен.']],
  },
  {
    row: '33',
    scene: 'hangs',
    words: [
      [
        'app.unknown',
        'NOT KNOWN: the bank may have approved; ask for the state of order {order} before paying again.',
        'В ПРОЦЕССЕ: хост мог одобрить платёж; узнайте состояние заказа {order}, прежде чем платить снова.',
      ],
      ['state.In Process', 'In process', 'В процессе'],
      ['app.inProcess', 'The payment of order {order} is still being processed.', 'Платёж по заказу {order} ещё обрабатывается.'],
    ],
  },
  {
    row: '35',
    scene: 'offline',
    words: [
      ['notice.title', 'Synchronisation with the server', 'Синхронизация с сервером'],
      [
        'notice.synchronised',
        'Order No. {order} was handed to the server. Date and time of the order were updated',
        'Заказ №{order} успешно передан на сервер. Дата и время проведения заказа обновлены',
      ],
    ],
  },
  {
    row: '36',
    scene: 'sbpLater',
    words: [
      ['notice.title', 'Synchronisation with the server', 'Синхронизация с сервером'],
      ['notice.state', 'The state of order No. {order} has changed to "{state}"', 'Статус заказа №{order} изменился на "{state}"'],
    ],
  },
  {
    row: '37',
    scene: 'choice',
    words: [
      ['app.selectApplication', 'Choose the payment system', 'Выберите платёжную систему'],
      [
        'app.selectApplicationHelp',
        'The card supports several payment systems. Ask the customer and choose the one to pay with:',
        'Карта поддерживает несколько платёжных систем. Уточните у покупателя и выберите подходящий вариант для проведения оплаты:',
      ],
      ['app.choicePrompt', 'Number (empty cancels): ', 'Номер (пусто — отмена): '],
      ['app.chosen', 'Chosen: {label}', 'Выбрано: {label}'],
    ],
  },
  {
    row: '38',
    scene: 'choice',
    words: [
      [
        'app.selectOnReader',
        'The customer chooses the payment system on the reader.',
        'Покупатель выбирает платёжную систему на картридере.',
      ],
    ],
  },
  {
    row: '38a',
    scene: 'choice',
    words: [['reader.selectApplication', 'Select application:', 'Выберите приложение:']],
  },
  {
    row: '39',
    scene: 'coBadgedTap',
    never: [
      ['app.selectApplication', 'Choose the payment system', 'Выберите платёжную систему'],
      [
        'app.selectOnReader',
        'The customer chooses the payment system on the reader.',
        'Покупатель выбирает платёжную систему на картридере.',
      ],
      ['reader.selectApplication', 'Select application:', 'Выберите приложение:'],
    ],
    words: [
      ['app.cardTapped', 'Contactless card tapped.', 'Приложена бесконтактная карта.'],
      ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
    ],
  },
  {
    row: '42',
    scene: 'sbp',
    words: [
      ['app.sbpWait', 'Wait…', 'Подождите...'],
      ['screen.transaction', 'Transaction number', 'Номер транзакции'],
      ['app.sbpCode', 'SBP QR code:', 'СБП QR-код:'],
      ['app.sbpScan', 'The customer scans the code with their bank’s app.', 'Покупатель сканирует QR-код банковским приложением.'],
      [
        'app.sbpKeys',
        'Enter shows the code again, o takes another way to pay, x cancels.',
        'Enter — показать QR-код ещё раз, o — другой способ оплаты, x — отмена.',
      ],
    ],
  },
  {
    row: '43',
    scene: 'sbp',
    words: [
      ['app.sbpState', 'State: {state} ↻', 'Статус заказа: {state} ↻'],
      ['state.In Process', 'In process', 'В процессе'],
      ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
    ],
  },
  {
    row: '44',
    scene: 'sbpInstead',
    words: [
      ['app.sbpTakingBack', 'Taking the SBP payment back first…', 'Отмена платежа СБП…'],
      ['screen.methods', 'METHOD OF PAYMENT', 'СПОСОБ ОПЛАТЫ'],
      ['app.approved', 'APPROVED', 'ОПЛАЧЕНО'],
    ],
  },
  {
    row: '45',
    scene: 'decline',
    words: [
      ['receipt.merchant', 'MERCHANT', 'ПРЕДПРИЯТИЕ'],
      ['receipt.terminal', 'Terminal', 'Терминал'],
      ['receipt.order', '^Order: ', '^Заказ: '],
      ['receipt.paid', 'PAID', 'ОПЛАЧЕН'],
      ['receipt.amount', '^Amount: ', '^Сумма: '],
      ['receipt.aid', 'AID', 'AID'],
      ['receipt.tvr', 'TVR', 'TVR'],
      ['receipt.card', 'Card', 'Карта'],
      ['receipt.pan', 'PAN', 'PAN'],
      ['receipt.rrn', 'RRN', 'RRN'],
      ['receipt.authorisationCode', 'Authorisation code', 'Код авторизации'],
      ['receipt.responseCode', 'Response code', 'Код ответа'],
      ['receipt.date', '^Date: ', '^Дата: '],
    ],
  },
  {
    row: '45a',
    scene: 'decline',
    words: [['receipt.cardholder', 'Cardholder', 'Держатель']],
  },
  {
    row: '46',
    scene: 'cash',
    words: [
      ['fiscal.title', 'CASH RECEIPT', 'КАССОВЫЙ ЧЕК'],
      ['fiscal.sale', 'SALE', 'ПРИХОД'],
      ['fiscal.total', 'TOTAL', 'ИТОГ'],
      ['fiscal.cash', 'CASH', 'НАЛИЧНЫМИ'],
      ['fiscal.taxation', 'Taxation', 'СНО'],
      ['fiscal.internet', 'CASH REGISTER FOR THE INTERNET', 'ККТ для ИНТЕРНЕТ'],
      ['fiscal.number', 'Receipt No. {number}', 'Чек № {number}'],
      ['fiscal.inn', 'Taxpayer No.', 'ИНН'],
      ['fiscal.comeAgain', 'COME AGAIN!', 'ЖДЕМ ВАС СНОВА!'],
    ],
  },
  {
    row: '47',
    scene: 'cash',
    words: [
      [
        'app.printReceipt',
        'Print the receipt: tapdip order receipt {order} --printer <uri>',
        'Печать чека: tapdip order receipt {order} --printer <адрес>',
      ],
    ],
  },
]
