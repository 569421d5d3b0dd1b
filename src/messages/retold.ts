/** Sentences of a description (why something was guessed, what is wrong with it) in Russian: they are made far below the table of messages, as part of data that JSON carries. */

import { decodeMessages } from './decode.ts'
import type { Language } from './messages.ts'
import { type Phrases, phrasesOf } from './phrases.ts'
import { retoldWords } from './retold-words.ts'
import { flagTexts } from './rules/flags.ts'
import { issuerDataTexts } from './rules/issuer-data.ts'
import { valueTexts } from './rules/values.ts'
import { ruleWords } from './rules/words.ts'

type Unsure = 'derived' | 'assumed'

/** Sentence, and its Russian; `$1` is what stands in its place, told again itself. */
const rows: readonly (readonly [RegExp, string])[] = [
  // Guesses.
  [/^(\w+), whose AID stands in the same data$/, '$1: его AID есть в этих же данных'],
  [/^(.+); (.+) could mean it otherwise$/, '$1; иначе это могли бы понимать $2'],
  [/^(\w+); no other kernel has it in this form$/, '$1; у других ядер такого нет'],
  [/^the answer to ([A-Z ]+): the values could answer (.+) too$/, 'ответ на $1: значения подошли бы и к $2'],
  [
    /^the answer to ([A-Z ]+): of the commands that are answered in (\d+) bytes the values fit this one alone$/,
    'ответ на $1: из команд с ответом в $2 байт значения подходят только к ней',
  ],
  [/^it gives the reader time; an answer would have result 00 there$/, 'он даёт картридеру время; у ответа там был бы результат 00'],
  [/^its byte of result is 00; a host would give the reader time there$/, 'результат 00; хост дал бы там картридеру время'],
  [/^either side says it: the one that was spoken to last$/, 'так говорят обе стороны: та, к которой обращались последней'],
  [/^its command is none of either side’s$/, 'такой команды нет ни у одной стороны'],
  [/^it is a command of the table; as an answer it would end in a status too$/, 'это команда из таблицы; ответ тоже кончался бы статусом'],
  [/^it ends in a status, and is no command of the table$/, 'кончается статусом, и такой команды в таблице нет'],
  [/^it ends in no status$/, 'не кончается статусом'],
  [
    /^the high byte of its CRC comes first, as in what readers say and a few commands$/,
    'старший байт CRC впереди, как у картридеров и немногих команд',
  ],
  [/^both bytes of its CRC are the same$/, 'оба байта CRC одинаковы'],
  [/^its first byte is one of a command; as an answer it would be a result$/, 'первый байт — команда; у ответа это был бы результат'],
  [/^its first byte is no command’s$/, 'первый байт — не команда'],
  [/^it is as long as a swipe$/, 'длина как у прокатанной полосы'],
  [/^it is a record of a recording: channel and length$/, 'запись из протокола: канал и длина'],
  [/^it has the lengths of a notification$/, 'длины как у уведомления'],
  [/^an empty message is a card that gives up$/, 'пустое сообщение: карта отказывается отвечать'],
  [/^one byte is a control$/, 'один байт — управление'],
  [/^the card was asked before$/, 'карту спросили перед этим'],
  [/^it begins like an ATR$/, 'начинается как ATR'],
  [/^it has the form of a command$/, 'похоже на команду'],
  [/^it has not the form of a command$/, 'на команду не похоже'],
  // What is wrong.
  [/^(.+) at offset (\d+); (\d+) bytes? not read$/, '$1, смещение $2; не прочитано байт: $3'],
  [/^tag is truncated$/, 'тег обрывается'],
  [/^tag is longer than 3 bytes$/, 'тег длиннее 3 байт'],
  [/^length is missing$/, 'нет длины'],
  [/^length is truncated$/, 'длина обрывается'],
  [/^indefinite length is not allowed$/, 'неопределённая длина недопустима'],
  [/^length byte (\w+) is no usable form \(81 to 84\)$/, 'байт длины $1 недопустим (81–84)'],
  [/^value of (\d+) bytes exceeds the (\d+) that follow$/, 'значение в $1 байт, а есть только $2'],
  [/^templates nest deeper than (\d+)$/, 'шаблоны вложены глубже $1'],
  [/^(\d+) bytes, the dictionary allows (\d+) to (\d+)$/, 'байт: $1, по словарю от $2 до $3'],
  [/^(\d+) bytes, the dictionary allows (\d+)$/, 'байт: $1, по словарю $2'],
  [/^not numeric: a nibble is no digit$/, 'не число: не все полубайты — цифры'],
  [/^not compressed numeric: digits, then F$/, 'не сжатое число: цифры, затем F'],
  [/^not a date YYMMDD$/, 'не дата ГГММДД'],
  [/^not a time HHMMSS$/, 'не время ЧЧММСС'],
  [/^not 5 bytes for each script$/, 'не по 5 байт на скрипт'],
  [/^not X and Y of 4 bytes each and rules of 2 bytes$/, 'не X и Y по 4 байта и правила по 2 байта'],
  [/^not 4 bytes for each file$/, 'не по 4 байта на файл'],
  [/^not (\d+) bytes$/, 'не $1 байт'],
  // ISO 8583.
  [/^ISO 8583: (.+)$/, 'ISO 8583: $1'],
  [/^length of field (\d+):? (.+)$/, 'длина поля $1: $2'],
  [/^field (\d+):? (.+)$/, 'поле $1: $2'],
  [/^secondary bitmap:? (.+)$/, 'вторая битовая карта: $1'],
  [/^bitmap:? (.+)$/, 'битовая карта: $1'],
  [/^type:? (.+)$/, 'тип: $1'],
  [/^header:? (.+)$/, 'заголовок: $1'],
  [/^end: (\d+) bytes too many$/, 'конец: лишних байт: $1'],
  [/^MAC: it is (?:missing)$/, 'MAC: его нет'],
  [/^MAC: it is (?:wrong)$/, 'MAC: неверный'],
  [/^takes (\d+) bytes, (\d+) are left$/, 'нужно байт: $1, осталось: $2'],
  [/^it is not 4 digits$/, 'это не 4 цифры'],
  [/^it is not 16 hex digits$/, 'это не 16 шестнадцатеричных цифр'],
  [/^it is no number$/, 'это не число'],
  [/^it is no hex$/, 'это не шестнадцатеричные цифры'],
  [/^it is no UTF-8$/, 'это не UTF-8'],
  [/^it has (\d+), the rule is at most (\d+)$/, 'длина $1, по правилу не больше $2'],
  [/^it has characters that the field does not take$/, 'есть символы, которых поле не принимает'],
  [/^the (?:frame|packet|message|PDU) ends after (\d+) of at least (\d+) bytes$/, 'обрывается: есть $1 байт из не менее чем $2'],
  [/^the (?:frame|packet|message) ends after (\d+) of (\d+) bytes$/, 'обрывается: есть $1 байт из $2'],
  [/^the LRC is (\w+), (\w+) is right$/, 'LRC $1, верно $2'],
  [/^the CRC is (\w+), (\w+) is right$/, 'CRC $1, верно $2'],
  [/^the CRC is (\w+), (\w+) is right, or its bytes the other way round$/, 'CRC $1, верно $2 или те же байты наоборот'],
  [/^the two lengths of the frame do not agree, or exceed 10240 bytes$/, 'две длины кадра не сходятся или больше 10240 байт'],
  [/^10 is followed by (\w+): in a frame by 10, 03 or 17 alone$/, 'после 10 стоит $1: в кадре там может быть только 10, 03 или 17'],
  [/^the frame does not end: no 10 03 and CRC$/, 'кадр не кончается: нет 10 03 и CRC'],
  [/^the frame has no end \(C0\)$/, 'у кадра нет конца (C0)'],
  [/^the header is not "ViVOtech2" and 00$/, 'заголовок — не «ViVOtech2» и 00'],
  [/^the message goes on in a frame that is not there$/, 'сообщение продолжается в кадре, которого нет'],
  [/^(.+) \((?:byte|байт) (\d+)\)$/, '$1 (байт $2)'],
]

/** A sentence in the user's language; as it is where it is English, or none of these. */
export function retold(sentence: string, language: Language): string {
  if (language === 'en') return sentence
  for (const [pattern, russian] of rows) {
    const found = pattern.exec(sentence)
    if (found)
      return russian.replace(/\$(\d)/g, (_, place: string) =>
        found[Number(place)] === sentence ? sentence : retold(found[Number(place)], language),
      )
  }
  return sentence
}

/** What data objects say: the same in every family, so that their bits have the names that explanations give them. */
let made: Phrases | undefined

function said(): Phrases {
  made ??= phrasesOf({ ...ruleWords, ...flagTexts, ...valueTexts, ...issuerDataTexts })
  return made
}

/** What a value says, part by part; text of a card's own stays as it is. */
function retoldValue(words: string): string {
  const known = retoldWords.get(words) ?? said().whole(words)
  if (known !== undefined || /^"[^"]*"$/.test(words)) return known ?? words
  return said().filled(words, retoldValue) ?? retold(words, 'ru')
}

/** A status word (`< 6985 …`, or alone as the last line) and what a field says (`= …`) by the table of words; tries are counted. */
function retoldWord(said: string): string {
  const [, words, mark] = /^(.*?)(?: \[(derived|assumed)\])?$/.exec(said)!
  const tries = /^verification failed, (\d+) (?:try|tries) left$/.exec(words)
  const told = tries ? `проверка не пройдена, осталось попыток: ${tries[1]}` : retoldValue(words)
  return mark ? `${told} [${decodeMessages[`decode.mark.${mark as Unsure}`][1]}]` : told
}

/** The mark behind a name. */
const mark = /(?<=^\s*[^"=\n]+) \[(derived|assumed)\](?= \()/gm

/** A status in the user's language: `6985 …`. */
export function retoldStatus(words: string, language: Language): string {
  return language === 'en' ? words : words.replace(/^([0-9A-F]{4} )(.+)$/, (_, sw: string, said: string) => sw + retoldWord(said))
}

/** What a value says, in the user's language, with its mark where it has one. */
export function retoldSaid(words: string, language: Language): string {
  return language === 'en' ? words : retoldWord(words)
}

/** A printed description in the user's language: guesses (`?`), what is wrong (`!`), statuses, and what a service code says. Names of tags stay as the Books have them. */
export function retoldLines(text: string, language: Language): string {
  if (language === 'en') return text
  return text
    .replace(/^(\s*[?!] )(.+)$/gm, (_, mark: string, sentence: string) => mark + retold(sentence, language))
    .replace(mark, (_, unsure: Unsure) => ` [${decodeMessages[`decode.mark.${unsure}`][1]}]`)
    .replace(
      /^(\s*(?:[0-9A-F]{2})+) unknown tag(?= (?:\[\S+\] )?\(\d+\))/gm,
      (_, tag: string) => `${tag} ${decodeMessages['decode.unknownTag'][1]}`,
    )
    .replace(/^(\s*= |(?:< )?[0-9A-F]{4} )(.+)$/gm, (_, mark: string, words: string) => mark + retoldWord(words))
}
