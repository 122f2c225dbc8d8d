/** First and last names of one language. */
export interface Names { readonly first: readonly string[], readonly last: readonly string[] }

/** Names in many scripts, with characters that naive CSV code gets wrong. The names are invented. */
export const languages: readonly Names[] = [
  // English and Irish, with an apostrophe, a comma, quotes and no last name at all
  names('Alma|Barnaby|Róisín|Fergus|Tilda|Augustus "Gus"|Wren|Orla', 'Quillfeather|O\'Dunmore|Thistlewood|Pell, Jr.|Marrow|Ashgrove|'),
  // German and Nordic
  names('Jürgen|Käthe|Åsa|Søren|Þórdís|Bjørg|Öykü', 'Weißenbach|Grünwald|Ødegård|Blåbär|Æsirson|von Moos'),
  // Polish, Czech and Hungarian
  names('Łucja|Zdzisław|Jiří|Šárka|Žofie|Ödön', 'Żółkiewka|Dvořáček|Říhová|Wąsik|Kőszegi|Čapek-Novák'),
  // French, Spanish and Portuguese
  names('Zoë|François|Íñigo|Begoña|João|Inês', 'de l\'Étoile|Lefèvre|Muñoz Peña|Maçonvert|São Bento|Mirandês'),
  // Turkish, with its two kinds of i, and Vietnamese
  names('İpek|Işıl|Çağrı|Gülşen', 'Yıldızoğlu|Şimşek|Gündoğdu|Irmaklı'),
  names('Thảo|Đức|Quỳnh|Ngọc Ánh', 'Nguyễn|Đặng|Trương|Phượng'),
  // Russian and Ukrainian
  names('Ярослава|Фёдор|Елизавета|Тимофей|Есения', 'Заречная|Вишневецкий|Щукин|Подъяблонская|Ёжиков'),
  names('Соломія|Ґанна|Олесь|Дзвінка|Любомир', 'Їжакевич|Вербицька|Яворенко|Цвітнюк|Щедрик'),
  // Greek
  names('Ευδοκία|Οδυσσέας|Θάλεια|Σπύρος|Ίρις', 'Θαλασσινός|Αμπελάκη|Ψαρράς|Χελιδόνης|Ξυλούρης'),
  // Arabic and Persian, from right to left
  names('ليلى|يوسف|ريم|طارق|هالة|إياد', 'القمري|البستاني|الزيتوني|أبو النجوم|الورّاق'),
  names('شیرین|کاوه|پریسا|آرش|ژاله', 'نوری|گلستانی|می‌خواه|چمن‌آرا|پرواز'),
  // Hebrew, from right to left
  names('נועה|איתמר|שירה|אלון|תמר', 'בן־שחר|אלמוג|גלבוע|צ\'רני|כוכבי'),
  // Hindi, Bengali and Tamil
  names('आरोही|ईशान|मीनाक्षी|ऋषि|चित्रा', 'चाँदनीवाला|वनमाली|श्रीवन|फूलचंद|नदियाल'),
  names('অনন্যা|সৌরভ|মেঘলা|ঋতু|শঙ্খ', 'নদীপার|জ্যোৎস্নাকর|বনফুল|মেঘবরণ'),
  names('யாழினி|கவின்|தமிழ்|மலர்|செழியன்', 'கடலூரான்|மலையரசன்|பூங்காவனம்|நிலவழகன்'),
  // Thai
  names('ดวงใจ|ภูผา|มะลิ|น้ำผึ้ง|ตะวัน', 'แสงจันทร์|ทะเลทอง|ดอกไม้|ป่าสัก|รุ่งฟ้า'),
  // Chinese, in both forms
  names('月明|晓峰|思远|雨桐|清', '欧阳|林|司马|白|东方'),
  names('小龍|詩雨|書瑤|雲飛|靜', '溫|諸葛|歐陽|葉|鍾離'),
  // Japanese; one family name is beyond the Basic Multilingual Plane
  names('さくら|翔太|陽葵|ケンジ|一郎', '𠮷田|星野|雪村|渡邊|月島'),
  // Korean
  names('하늘|서준|가람|다온|슬기|별', '남궁|한|제갈|윤|선우|독고'),
  // Amharic
  names('ፀሐይ|ሰላም|ዳዊት|ለምለም|ብሩክ', 'ብርሃኑ|ተስፋዬ|አበባው|ወርቁ|ደስታ'),
  // Georgian and Armenian
  names('ნინო|ლუკა|თამარ|ვაჟა|მზია', 'ვარდიაშვილი|მთიულიძე|წყაროძე|ჭყონია|ქარიშვილი'),
  names('Արեւիկ|Տիգրան|Նարե|Վահագն|Ծովիկ', 'Լուսնեցյան|Ծովինարյան|Աստղունի|Գետափյան')
]

/** Takes both lists as text, separated by `|`. */
function names (first: string, last: string): Names {
  return { first: first.split('|'), last: last.split('|') }
}
