/** The part of the table of messages that says what Issuer Application Data are: layouts with their sources, versions, bits of Card Verification Results. Made in English deep below the table, and told in Russian by it; `{}` is what stands in its place. */

export const issuerDataTexts = {
  // Cryptogram versions and keys.
  'said.cvnHexRulesAreNot': ['CVN {} (hex): its rules are not public', 'CVN {} (hex): правила не опубликованы'],
  'said.cvnRulesAreNotPublic': ['CVN {}: its rules are not public', 'CVN {}: правила не опубликованы'],
  'said.cvnUnderCardsOwnKey': [
    "CVN {}: under the card's own key, padding of method 1",
    'CVN {}: под собственным ключом карты, дополнение по методу 1',
  ],
  'said.cvnContactlessOverAmountUnpredictable': [
    'CVN {}: contactless, over amount, unpredictable number, ATC and one byte of this',
    'CVN {}: бесконтактно, по сумме, случайному числу, ATC и одному байту этих данных',
  ],
  'said.cvnContactlessOverAmountUnpredictableNumber': [
    'CVN {}: contactless, over amount, unpredictable number, ATC and one byte of the results',
    'CVN {}: бесконтактно, по сумме, случайному числу, ATC и одному байту результатов',
  ],
  'said.cvnSessionKeysEmvPadding': [
    'CVN {}: session keys of EMV, padding of method 2',
    'CVN {}: сеансовые ключи EMV, дополнение по методу 2',
  ],
  'said.cvnSessionKeysEmvArpc': ['CVN {}: session keys of EMV, ARPC of method 2', 'CVN {}: сеансовые ключи EMV, ARPC по методу 2'],
  'said.cvnSessionKeysMastercardWithout': [
    'CVN {}: session keys of Mastercard, without counters',
    'CVN {}: сеансовые ключи Mastercard, без счётчиков',
  ],
  'said.cvnSessionKeysMastercardCounters': [
    'CVN {}: session keys of Mastercard, with counters',
    'CVN {}: сеансовые ключи Mastercard, со счётчиками',
  ],
  'said.cvnSessionKeysEmvWithout': ['CVN {}: session keys of EMV, without counters', 'CVN {}: сеансовые ключи EMV, без счётчиков'],
  'said.cvnSessionKeysEmvCounters': ['CVN {}: session keys of EMV, with counters', 'CVN {}: сеансовые ключи EMV, со счётчиками'],
  'said.cvnOverTransactionResultsSession': [
    'CVN {}: over the transaction and the results, session keys of the ATC and its complement',
    'CVN {}: по операции и результатам, сеансовые ключи из ATC и его дополнения',
  ],
  'said.derivationKeyIndex': ['Derivation key index {}', 'Индекс ключа {}'],
  'said.commonCoreIdentifierFormatCryptogram': [
    'Common core identifier {}: format A, cryptogram version {}',
    'Common Core Identifier {}: формат A, версия криптограммы {}',
  ],
  'said.algorithmIndicator': ['Algorithm indicator {}', 'Признак алгоритма {}'],
  'said.dacIccDynamicNumber': ['DAC or ICC dynamic number: {}', 'DAC или динамическое число карты: {}'],
  'said.counters': ['Counters: {}', 'Счётчики: {}'],
  'said.countersPlaintextOrEnciphered': ['Counters, plaintext or enciphered: {}', 'Счётчики, открытые или зашифрованные: {}'],
  'said.scriptCounterPinTriesLeft': [
    'Script counter {}, PIN tries left {} (low nibbles)',
    'Счётчик скриптов {}, осталось попыток ПИН-кода {} (младшие полубайты)',
  ],
  'said.pinTriesLeft': ['PIN tries left: {}', 'Осталось попыток ПИН-кода: {}'],
  'said.issuerDiscretionaryData': ['Issuer discretionary data: {}', 'Данные эмитента: {}'],
  'said.otherIssuerDiscretionaryData': ['Other issuer discretionary data: {}', 'Другие данные эмитента: {}'],
  'said.issuerDiscretionaryData01Amount': ['Issuer discretionary data 01: amount {}, MAC {}', 'Данные эмитента 01: сумма {}, MAC {}'],
  'said.issuerScriptCommandsProcessed': ['{} issuer script commands processed', 'Команд скрипта эмитента выполнено: {}'],
  'said.cardVerificationResultsTheirBits': [
    'Card Verification Results {}: their bits are not public',
    'Card Verification Results {}: значения битов не опубликованы',
  ],
  // Card Verification Results.
  'said.inSecondGenerateAc': ['{} in second GENERATE AC', '{} во второй GENERATE AC'],
  'said.secondGenerateAcNotRequested': ['second GENERATE AC not requested', 'вторая GENERATE AC не запрашивалась'],
  'said.inFirstGenerateAc': ['{} in first GENERATE AC', '{} в первой GENERATE AC'],
  'said.rfu': ['RFU', 'зарезервировано'],
  'said.cvrByteBitReservedNot': [
    'CVR byte {} bit {} (reserved, or not public)',
    'CVR, байт {}, бит {} (зарезервирован или не опубликован)',
  ],
  'said.issuerAuthenticationPerformed': ['Issuer authentication performed', 'Эмитент проверен'],
  'said.issuerAuthenticationNotPerformed': ['Issuer authentication not performed', 'Эмитент не проверялся'],
  'said.issuerAuthenticationPerformedFailed': ['Issuer authentication performed and failed', 'Эмитент проверен и не подтверждён'],
  'said.issuerAuthenticationFailedLastOnline': [
    'Issuer authentication failed on last online transaction',
    'В последней онлайн-операции эмитент не подтверждён',
  ],
  'said.issuerAuthenticationNotPerformedAfter': [
    'Issuer authentication not performed after online authorisation',
    'После онлайн-авторизации эмитент не проверен',
  ],
  'said.offlinePinVerificationPerformed': ['Offline PIN verification performed', 'Офлайн-ПИН-код проверялся'],
  'said.offlinePinVerificationFailed': ['Offline PIN verification failed', 'Офлайн-ПИН-код неверен'],
  'said.offlinePinVerificationSuccessful': ['Offline PIN verification successful', 'Офлайн-ПИН-код верен'],
  'said.offlinePinVerificationNotPerformed': ['Offline PIN verification not performed', 'Офлайн-ПИН-код не проверялся'],
  'said.offlinePinVerificationPerformedPin': [
    'Offline PIN verification performed and PIN not verified',
    'Офлайн-ПИН-код проверялся и неверен',
  ],
  'said.offlineEncipheredPinVerificationPerformed': [
    'Offline enciphered PIN verification performed',
    'Зашифрованный офлайн-ПИН-код проверялся',
  ],
  'said.offlineChangePinResult': ['Offline change PIN result', 'Результат офлайн-смены ПИН-кода'],
  'said.pinVerificationCommandNotReceived': [
    'PIN verification command not received from a PIN-expecting terminal',
    'Терминал, ждущий ПИН-код, не прислал команду проверки',
  ],
  'said.terminalErroneouslyConsidersOfflinePin': [
    'Terminal erroneously considers offline PIN OK',
    'Терминал ошибочно считает офлайн-ПИН-код верным',
  ],
  'said.unableToGoOnline': ['Unable to go online', 'Онлайн невозможен'],
  'said.lastOnlineTransactionNotCompleted': ['Last online transaction not completed', 'Последняя онлайн-операция не завершена'],
  'said.velocityCheckingCountersExceeded': ['Velocity checking counters exceeded', 'Превышены счётчики частоты'],
  'said.applicationBlockedCardBecausePin': [
    'Application blocked by card because PIN Try Limit exceeded',
    'Карта заблокировала приложение: превышено число попыток ПИН-кода',
  ],
  'said.sdaFailedLastTransactionDeclined': [
    'SDA failed on last transaction and it was declined offline',
    'В последней операции SDA не пройдена, отказ офлайн',
  ],
  'said.ddaFailedLastTransactionDeclined': [
    'DDA failed on last transaction and it was declined offline',
    'В последней операции DDA не пройдена, отказ офлайн',
  ],
  'said.offlineDataAuthenticationFailedPrevious': [
    'Offline data authentication failed on previous transaction',
    'В прошлой операции офлайн-аутентификация данных не пройдена',
  ],
  'said.issuerScriptProcessingFailed': ['Issuer script processing failed', 'Скрипт эмитента не выполнен'],
  'said.scriptReceived': ['Script received', 'Получен скрипт'],
  'said.scriptFailed': ['Script failed', 'Скрипт не выполнен'],
  'said.ddaPerformed': ['DDA performed', 'DDA выполнена'],
  'said.cdaPerformed': ['CDA performed', 'CDA выполнена'],
  'said.ddaReturned': ['DDA returned', 'DDA отдана'],
  'said.cdaReturnedFirstGenerateAc': ['CDA returned in first GENERATE AC', 'CDA отдана в первой GENERATE AC'],
  'said.cdaReturnedSecondGenerateAc': ['CDA returned in second GENERATE AC', 'CDA отдана во второй GENERATE AC'],
  'said.secureMessagingUsesSessionKeys': ['Secure messaging uses session keys of EMV', 'Защищённый обмен на сеансовых ключах EMV'],
  'said.ciacDefaultSkippedCat3': ['CIAC-Default skipped on CAT3', 'CIAC-Default пропущен на CAT3'],
  'said.internationalTransaction': ['International transaction', 'Операция за рубежом'],
  'said.domesticTransaction': ['Domestic transaction', 'Операция внутри страны'],
  'said.lowerCumulativeOfflineLimitExceeded': ['Lower cumulative offline limit exceeded', 'Превышен нижний предел суммы офлайн-операций'],
  'said.upperCumulativeOfflineLimitExceeded': ['Upper cumulative offline limit exceeded', 'Превышен верхний предел суммы офлайн-операций'],
  'said.lowerCumulativeOfflineAmountLimit': [
    'Lower cumulative offline amount limit exceeded',
    'Превышен нижний предел суммы офлайн-операций',
  ],
  'said.upperCumulativeOfflineAmountLimit': [
    'Upper cumulative offline amount limit exceeded',
    'Превышен верхний предел суммы офлайн-операций',
  ],
  'said.lowerOfflineTransactionCountLimit': [
    'Lower offline transaction count limit exceeded',
    'Превышен нижний предел числа офлайн-операций',
  ],
  'said.upperOfflineTransactionCountLimit': [
    'Upper offline transaction count limit exceeded',
    'Превышен верхний предел числа офлайн-операций',
  ],
  'said.lowerConsecutiveCounter2Limit': ['Lower consecutive counter 2 limit exceeded', 'Превышен нижний предел счётчика подряд 2'],
  'said.upperConsecutiveCounter2Limit': ['Upper consecutive counter 2 limit exceeded', 'Превышен верхний предел счётчика подряд 2'],
  'said.lowerCumulativeAccumulator2Limit': ['Lower cumulative accumulator 2 limit exceeded', 'Превышен нижний предел накопителя 2'],
  'said.upperCumulativeAccumulator2Limit': ['Upper cumulative accumulator 2 limit exceeded', 'Превышен верхний предел накопителя 2'],
  'said.goOnlineNextTransactionSet': ['Go online on next transaction was set', 'Задано: следующая операция онлайн'],
  'said.dateCheckFailed': ['Date check failed', 'Проверка даты не пройдена'],
  'said.maximumTransactionAmountExceeded': ['Maximum transaction amount exceeded', 'Превышена наибольшая сумма операции'],
  'said.numberDaysOfflineLimitExceeded': ['Number of days offline limit exceeded', 'Превышен предел дней без онлайн'],
  'said.matchFoundAdditionalCheckTable': ['Match found in additional check table', 'Есть совпадение в таблице дополнительных проверок'],
  'said.noMatchFoundAdditionalCheck': ['No match found in additional check table', 'Нет совпадения в таблице дополнительных проверок'],
  'said.issuerDiscretionaryBit': ['Issuer discretionary bit {}', 'Бит эмитента {}'],
  // Layouts and where they are from.
  'said.layoutToldSchemeForm': ['Layout, told by the scheme and its form: {}', 'Структура, по платёжной системе и по виду: {}'],
  'said.layoutToldForm': ['Layout, told by its form: {}', 'Структура, по виду: {}'],
  'said.wouldFitToo': ['{}; {} would fit too', '{}; подошло бы и {}'],
  'said.commonCoreDefinitionsFormatEmv': [
    'Common Core Definitions, format A (EMV 4.4 Book 3, Annex C7)',
    'Common Core Definitions, формат A (EMV 4.4 Book 3, приложение C7)',
  ],
  'said.visaFormat2TwoPublic': ['Visa, format 2 (two public programs that read it)', 'Visa, формат 2 (её читают две открытые программы)'],
  'said.visaFormat013': [
    'Visa, format 0, 1 or 3 (VIS 1.5 as binaryfoo/emv-bertlv, jPOS and pyemv read it)',
    'Visa, формат 0, 1 или 3 (VIS 1.5, как читают binaryfoo/emv-bertlv, jPOS и pyemv)',
  ],
  'said.mChipMChip4': ['M/Chip (M/Chip 4 and Advance as jPOS and pyemv read it)', 'M/Chip (M/Chip 4 и Advance, как читают jPOS и pyemv)'],
  'said.unionPayPbocPboc30': [
    'UnionPay (PBOC) (PBOC 3.0 (JR/T 0025) as public pages quote it and three programs read it)',
    'UnionPay (PBOC) (PBOC 3.0 (JR/T 0025), как приводят открытые страницы и читают три программы)',
  ],
  'said.americanExpressCvn01One': [
    'American Express, CVN 01 (one public program, whose author checked a cryptogram with it)',
    'American Express, CVN 01 (одна открытая программа, её автор проверил ею криптограмму)',
  ],
  'said.lengthKeyIndexVersionResults': [
    'length, key index, version and results, as most cards part them (jPOS and Proxmark3, of any card)',
    'длина, индекс ключа, версия и результаты, как у большинства карт (jPOS и Proxmark3, для любой карты)',
  ],
  'said.commonCoreDefinitionsFormat': ['Common Core Definitions, format A', 'Common Core Definitions, формат A'],
  'said.visaFormat2': ['Visa, format 2', 'Visa, формат 2'],
  'said.visaFormat0132': ['Visa, format 0, 1 or 3', 'Visa, формат 0, 1 или 3'],
  'said.layoutNotPublic': ['{}: the layout is not public', '{}: структура не опубликована'],
  'said.nonePublicLayoutsFitsIssuers': [
    "{}: none of its public layouts fits; an issuer's own, or a version that is not public",
    '{}: ни одна из опубликованных структур не подходит; своя у эмитента или неопубликованная версия',
  ],
  'said.noPublicLayoutFitsIssuers': [
    "No public layout fits: an issuer's own, or that of a scheme that has published none ({})",
    'Ни одна опубликованная структура не подходит: своя у эмитента или у системы, которая её не публикует ({})',
  ],
} as const
