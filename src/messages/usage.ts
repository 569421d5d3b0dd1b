/** The part of the table of messages that says what is wrong with a value that was given. */

export const usageMessages = {
  'usage.oneOf': ["{field} is '{value}', it takes {allowed}", '{field}: «{value}»; допустимо: {allowed}'],
  'usage.meant': [
    "{field} is '{value}', it takes {allowed}; did you mean '{meant}'?",
    '{field}: «{value}»; допустимо: {allowed}; возможно, «{meant}»?',
  ],
  'usage.range': [
    "{field} is '{value}', it takes a whole number from {from} to {to}",
    '{field}: «{value}»; допустимо целое число от {from} до {to}',
  ],
  'usage.length': ['{field} has {value} characters, it takes {from} to {to}', '{field}: символов {value}, допустимо от {from} до {to}'],
  'usage.oneLine': [
    '{field} has {value} as its character {at}; it takes one line, without control characters',
    '{field}: символ {at} — {value}; допустима одна строка без управляющих символов',
  ],
  'usage.currency': [
    "{field} is '{value}': that is no currency of ISO 4217 with a minor unit",
    '{field}: «{value}»; это не валюта ISO 4217 с разменной единицей',
  ],
  'usage.currencyMeant': [
    "{field} is '{value}': that is no currency of ISO 4217 with a minor unit; did you mean '{meant}'?",
    '{field}: «{value}»; это не валюта ISO 4217 с разменной единицей; возможно, «{meant}»?',
  ],
  'usage.currencyWithdrawn': [
    "{field} is '{value}', which was withdrawn from ISO 4217: {follower} is in its place",
    '{field}: «{value}»; код исключён из ISO 4217, вместо него {follower}',
  ],
  'usage.amount': [
    "{field} is '{value}', it takes digits with at most {decimals} decimals of {unit}",
    '{field}: «{value}»; допустимы цифры и знаков после точки не больше {decimals} ({unit})',
  ],
  'usage.amountBound': ["{field} is '{value}', it takes at most {to}", '{field}: «{value}»; допустимо не больше {to}'],
  'usage.minorUnits': [
    '{field} is {value}, it takes {from} to {to} minor units',
    '{field}: {value}; допустимо от {from} до {to} разменных единиц',
  ],
  'usage.profileCurrency': ['{field} is in {value}, the payment in {unit}', '{field}: валюта {value}, а платёж в {unit}'],
  'usage.uri': ["{field} is '{value}', it takes such as {allowed}", '{field}: «{value}»; допустимо, например: {allowed}'],
  'usage.kernelNotPublic': [
    '{value}: its contactless kernel ({kernel}) is not public and not built; a row that names the kernel to take its cards with is yours to write',
    '{value}: ядро для бесконтактной оплаты ({kernel}) не опубликовано и не реализовано; строку с именем ядра, которым читать такие карты, можно написать самим',
  ],
  'usage.bytes': ['{field} has {value} bytes, it takes {allowed}', '{field}: байт {value}, допустимо {allowed}'],
  'usage.hex': [
    '{field} is not hexadecimal: it takes two digits 0-9, A-F for each byte',
    '{field}: не шестнадцатеричная строка; допустимо по две цифры 0-9, A-F на байт',
  ],
  'usage.panDigits': [
    '{field} has {value} characters, it takes a PAN of 8 to 19 digits',
    '{field}: символов {value}; допустим PAN из 8–19 цифр',
  ],
  'usage.noBlanks': ['{field} has a blank in it, which it does not take', '{field}: пробелы недопустимы'],
  'usage.twice': ['{field} is given twice, it takes one value', '{field} указан дважды, допустимо одно значение'],
  'usage.missing': ['{field} is missing', 'не указано: {field}'],
  'usage.value': ['{field} takes a value', 'у {field} должно быть значение'],
  'usage.conflict': ['{field} and {other} contradict each other', '{field} и {other} противоречат друг другу'],
  'usage.needs': ['{field} is only for {only}', '{field} имеет смысл только с {only}'],
  'usage.tooMany': ['{field} takes {allowed} arguments, {value} were given', '{field}: аргументов допустимо {allowed}, указано {value}'],
  'usage.json': ['{field} is no JSON: {value}', '{field}: не JSON: {value}'],
  'usage.otherReader': [
    'what is at this line has answered ({bytes} bytes), but not as family {family}, nor as any other that is known',
    'на этой линии ответили (байтов: {bytes}), но не как family {family} и не как другое известное',
  ],
  'usage.otherFamily': [
    'what is at this line has answered ({bytes} bytes), but not as family {family}: it speaks as {looksLike}',
    'на этой линии ответили (байтов: {bytes}), но не как family {family}: это язык {looksLike}',
  ],
  'usage.noBytes': [
    '{field} is {value}: calls of the vendor’s library, whose bytes are not public; bluepad/mped has bytes',
    '{field}: {value} — вызовы библиотеки производителя, байты которой не опубликованы; байты есть у bluepad/mped',
  ],
} as const
