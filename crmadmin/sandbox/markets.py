"""The markets that the invented customers live in: names, places, and numbers that ring nowhere.

Where a country keeps telephone numbers for fiction, the templates use those ranges (Arcep, Ofcom,
the 555-01xx numbers, the Bundesnetzagentur's); elsewhere subscriber numbers that start with zeros.
In a template `#` is any digit.
"""

from dataclasses import dataclass

Names = tuple[tuple[str, str], ...]  # (Latin form, native form or "")


def _names(text: str) -> Names:
    """`Akira:明 Sakura:さくら` -> (("Akira", "明"), ("Sakura", "さくら")); `_` is a space."""
    pairs = (word.replace("_", " ").partition(":") for word in text.split())
    return tuple((latin, native) for latin, _, native in pairs)


@dataclass(frozen=True)
class City:
    """name as written in Latin letters, state or district ("" for none), postal code template."""

    name: str
    state: str
    zip_code: str


@dataclass(frozen=True)
class Market:
    """One locale. civilities: the native forms for MR and MS, "" where there is none."""

    locale: str
    country: str
    men: Names
    women: Names
    families: Names
    cities: tuple[City, ...]
    streets: tuple[str, ...]
    mobile: str
    landline: str
    channel: str = "WHATSAPP"
    identity: tuple[str, str] | None = None  # type and template of the national number
    civilities: tuple[str, str] = ("", "")

    @property
    def language_code(self) -> str:
        return self.locale[:2].upper()

    @property
    def country_code(self) -> str:
        return self.locale[3:]


MARKETS = (
    Market(
        "fr-FR",
        "France",
        _names("Étienne Mathieu Hugo Jean-Baptiste Loïc Théo Gaël"),
        _names("Camille Inès Léa Marie-Hélène Zoé Anaïs Noémie"),
        _names("Lefèvre Moreau Dubois-Garnier Bérenger D'Aubigny Chevallier Rousselet Le_Goff"),
        (City("Paris", "", "750##"), City("Lyon", "", "6900#"), City("Nantes", "", "44#00")),
        ("Rue des Érables", "Avenue du Lac", "Allée des Tilleuls", "Quai des Brumes"),
        "+336399800##",
        "+3319900####",
    ),
    Market(
        "en-US",
        "United States",
        _names("Ethan Marcus Noah Desmond Walter Caleb"),
        _names("Olivia Grace Naomi Harper Josephine Dana"),
        _names("Whitaker Okonkwo-Diallo Delgado O'Connell Nakamura Sandoval Price"),
        (City("Portland", "OR", "972##"), City("Austin", "TX", "787##"),
         City("Boston", "MA", "021##")),
        ("Juniper Street", "Old Mill Road", "Lakeview Drive", "Sycamore Avenue"),
        "+1503555010#",
        "+1617555017#",
        "SMS",
        ("SECURITY_NUMBER", "9000#####"),
    ),
    Market(
        "en-GB",
        "United Kingdom",
        _names("Owen Callum Benedict Rhys Alistair Jamie"),
        _names("Imogen Freya Beatrix Niamh Eleanor Amara"),
        _names("Whitfield Ashworth Pemberton MacAllister Llewellyn Hartley"),
        (City("Bristol", "Somerset", "BS# #AA"), City("Leeds", "West Yorkshire", "LS# #BB"),
         City("Edinburgh", "Midlothian", "EH# #CC")),
        ("Harbour Lane", "Chapel Row", "Orchard Crescent", "Station Road"),
        "+447700900###",
        "+442079460###",
        "SMS",
    ),
    Market(
        "pt-BR",
        "Brazil",
        _names("Thiago João Caetano Luís Otávio Davi"),
        _names("Conceição Luísa Helena Antônia Júlia Tainá"),
        _names("Brandão Guimarães Araújo Vasconcelos Falcão Nóbrega De_Assunção"),
        (City("São Paulo", "SP", "015##-0##"), City("Rio de Janeiro", "RJ", "220##-0##"),
         City("Curitiba", "PR", "800##-0##")),
        ("Rua das Palmeiras", "Avenida Atlântida", "Rua Galvão Ipê", "Travessa do Sol"),
        "+5511900000###",
        "+551130000###",
        "WHATSAPP",
        ("CPF", "999########"),
    ),
    Market(
        "es-AR",
        "Argentina",
        _names("Joaquín Facundo Lautaro Ramón Nicolás"),
        _names("Milagros Sofía Martina Belén Rocío"),
        _names("Etcheverry Núñez Peralta Quiroga Iñíguez Sosa"),
        (City("Buenos Aires", "CABA", "C10##AAA"), City("Rosario", "Santa Fe", "S20##BBB")),
        ("Calle de los Ceibos", "Avenida del Puerto", "Pasaje Luna"),
        "+5491100000###",
        "+541100000###",
        "WHATSAPP",
        ("CUIL", "999########"),
    ),
    Market(
        "de-DE",
        "Germany",
        _names("Lukas Jürgen Matthäus Björn Till Sören"),
        _names("Jördis Käthe Annika Lieselotte Ronja Ute"),
        _names("Brandstätter Müller Weiß Großmann Schönfeld Van_der_Heyde"),
        (City("Berlin", "", "101##"), City("Köln", "", "506##"), City("München", "", "803##")),
        ("Lindenweg", "Am Mühlbach", "Kastanienallee", "Fährstraße"),
        "+4917139200##",
        "+493023125###",
        "SMS",
    ),
    Market(
        "it-IT",
        "Italy",
        _names("Niccolò Matteo Tommaso Elio Dario"),
        _names("Chiara Ginevra Letizia Fiamma Noemi"),
        _names("Dell'Acqua Bellandi Cattaneo Fò Rinaldeschi"),
        (City("Torino", "TO", "101##"), City("Bologna", "BO", "401##")),
        ("Via dei Glicini", "Corso del Faro", "Piazza Alta"),
        "+393900000###",
        "+39010000####",
        "WHATSAPP",
        ("TAX_NUMBER", "ZZZZZZ00A00Z###Z"),
    ),
    Market(
        "ja-JP",
        "Japan",
        _names("Akira:明 Haruto:陽斗 Kenji:健二 Sota:颯太 Ren:レン"),
        _names("Sakura:さくら Hinata:ひなた Yui:結衣 Misaki:美咲 Emi:エミ"),
        _names("Morisaki:森崎 Takahashi:高橋 Kobayakawa:小早川 Ono:大野 Fujisawa:藤沢"),
        (City("Tokyo", "Tokyo", "150-00##"), City("Osaka", "Osaka", "530-00##"),
         City("Sapporo", "Hokkaido", "060-00##")),
        ("Sakuragaoka-cho", "Kitamachi", "Hon-dori"),
        "+81900000####",
        "+81300000###",
        "SMS",
        civilities=("様", "様"),
    ),
    Market(
        "zh-CN",
        "China",
        _names("Wei:伟 Haoran:浩然 Jun:俊 Zihan:子涵 Bo:博"),
        _names("Meilin:美琳 Xiu:秀 Yutong:雨桐 Lan:兰 Jing:静"),
        _names("Wang:王 Chen:陈 Ouyang:欧阳 Zhao:赵 Liu:刘 Sima:司马"),
        (City("Shanghai", "Shanghai", "2000##"), City("Chengdu", "Sichuan", "6100##"),
         City("Guangzhou", "Guangdong", "5100##")),
        ("Bamboo Lane", "Lotus Road", "Old Tea Street"),
        "+8613000000###",
        "+862100000###",
        "WECHAT",
        ("ID_NUMBER", "00000019#########X"),
        ("先生", "女士"),
    ),
    Market(
        "ko-KR",
        "South Korea",
        _names("Minjun:민준 Seojun:서준 Dohyun:도현 Jiho:지호"),
        _names("Hyejin:혜진 Seoyeon:서연 Jiwoo:지우 Haeun:하은"),
        _names("Namgung:남궁 Kim:김 Park:박 Seo:서 Hwang:황"),
        (City("Seoul", "Seoul", "040##"), City("Busan", "Busan", "480##")),
        ("Dalbit-ro", "Haneul-gil", "Eunhaeng-ro"),
        "+82100000####",
        "+8220000####",
        "SMS",
        ("NATIONAL_REGISTER", "000000#######"),
        ("님", "님"),
    ),
    Market(
        "ar-AE",
        "United Arab Emirates",
        _names("Khalid:خالد Omar:عمر Yousef:يوسف Rashid:راشد"),
        _names("Mariam:مريم Noura:نورة Layla:ليلى Hessa:حصة"),
        _names("Al_Mansoori:المنصوري Al_Nuaimi:النعيمي Haddad:حداد Al_Suwaidi:السويدي"),
        (City("Dubai", "Dubai", ""), City("Abu Dhabi", "Abu Dhabi", "")),
        ("Palm Street", "Corniche Road", "Falcon Street"),
        "+971500000###",
        "+97140000###",
        civilities=("السيد", "السيدة"),
    ),
    Market(
        "ru-RU",
        "Russia",
        _names("Dmitri:Дмитрий Alexei:Алексей Lev:Лев Timur:Тимур"),
        _names("Svetlana:Светлана Anastasia:Анастасия Vera:Вера Polina:Полина"),
        _names("Orlov:Орлов Belenko:Беленко Sorokin:Сорокин Tchernenko:Черненко"),
        (City("Moscow", "", "1010##"), City("Kazan", "Tatarstan", "4200##")),
        ("Ulitsa Sadovaya", "Lesnoy Pereulok", "Naberezhnaya Ulitsa"),
        "+7900000####",
        "+7499000####",
        civilities=("Г-н", "Г-жа"),
    ),
    Market(
        "el-GR",
        "Greece",
        _names("Nikos:Νίκος Stavros:Σταύρος Petros:Πέτρος Ilias:Ηλίας"),
        _names("Eleni:Ελένη Kalliopi:Καλλιόπη Danai:Δανάη Myrto:Μυρτώ"),
        _names("Papadakis:Παπαδάκης Galanis:Γαλάνης Christodoulou:Χριστοδούλου Vlahos:Βλάχος"),
        (City("Athens", "Attica", "105 ##"), City("Thessaloniki", "Macedonia", "546 ##")),
        ("Odos Elaias", "Leoforos Thalassis", "Odos Anemonis"),
        "+306900000###",
        "+302100000###",
        civilities=("Κος", "Κα"),
    ),
)  # fmt: skip
