"""What phones and mail programs write below a mail ("Sent from my iPhone"): tables, no code.

It knows nothing of how a line is read: ``signature`` does.
"""

from __future__ import annotations

from typing import Final

from ticketd.decide.excerpts.phrases import longest_first, phrases

# What stands before the name of a device or program. The line is short, and the last of its text.
SENT_FROM: Final = longest_first(
    phrases("""
    sent from my|sent from|sent via|sent with|sent using|sent on the|sent on|get outlook for
    get bluemail for|composed on
    sent by|typed on my|written on my|dictated on my|sent through|this message was sent from my
    von meinem|von meiner|gesendet von|gesendet mit|gesendet mit der|gesendet über
    von unterwegs gesendet|diese nachricht wurde von meinem
    holen sie sich outlook für|outlook für|outlook für ios beziehen|von samsung|von outlook für
    gesendet aus
    envoyé de|envoyé de mon|envoyé depuis|envoyé à partir de|envoyé d'un|envoyé par|envoyé avec
    télécharger outlook pour|obtenir outlook pour
    provenance : courrier pour|provenance\xa0: courrier pour|envoyé du
    enviado desde mi|enviado desde|enviado de mi|enviado con|enviado mediante|obtener outlook para
    obtén outlook para
    enviado do|enviado do meu|enviado a partir de|enviado a partir do|enviado pelo|enviado através
    obter o outlook para|enviado via
    enviada do meu|baixar o outlook para|enviat des de|enviat des del meu
    inviato da|inviato dal|inviato dal mio|inviato con|inviato tramite|ottieni outlook per
    scarica outlook per
    verzonden vanaf|verzonden vanuit|verstuurd vanaf|verstuurd vanaf mijn|verstuurd van|verzonden met
    verzonden via|outlook voor
    download outlook voor|vanaf mijn|outlook downloaden voor
    skickat från|skickat från min|skickad från|hämta outlook för|skickat med
    sendt fra|sendt fra min|sendt med|hent outlook til|hent outlook for|få outlook til|få outlook for
    send fra min
    lähetetty|hanki outlook
    wysłane z|wysłano z|wysłane przy użyciu|pobierz aplikację outlook|uzyskaj outlook|wysłane za pomocą
    wysłane przez
    odesláno z|odesláno pomocí|odoslané z|odoslané zo|odoslané pomocou|získat outlook|získejte outlook
    stáhnout outlook|získať outlook|poslano z|poslano s
    отправлено с|отправлено из|отправлено со|скачать outlook|получить outlook|отправлено через
    отправлено от|послано с
    надіслано з|надіслано із|відправлено з|отримати outlook|завантажити outlook|изпратено от|послато са
    gönderildi|outlook'u edinin|küldve|elküldve|trimis de pe|trimis din|trimis de la|obțineți outlook
    az iphone-omról küldve
    στάλθηκε από|εστάλη από|απεστάλη από|נשלח מה|נשלח מ|أرسلت من|أُرسلت من|تم الإرسال من|مرسل من
    发自我的|发自|发送自|來自我的|从我的|從我的|寄自我的|傳送自|取得 outlook|获取 outlook|獲取 outlook
    通过我的|發自我的|傳自我的
    나의|내|gửi từ|được gửi từ|đã gửi từ|dikirim dari|dapatkan outlook|ส่งจาก|ส่งจากของฉัน|saadetud minu
    išsiųsta iš|nosūtīts no""")
)

# What stands after the name of a device where the verb comes last.
SENT_FROM_ENDS: Final = longest_first(
    phrases("""
    gesendet|verzonden|verstuurd|sent from my mobile|gönderildi|から送信|からの送信|から送信しました
    から送信されました|を入手|에서 보냄|에서 보낸 메일|에서 전송됨|에서 보냈습니다
    傳送|传送|发送|發送|寄出|küldve|beziehen|downloaden|edinin|lähetetty|laitteesta|aplikaciji""")
)

DEVICES: Final = phrases("""
    iphone|ipad|ipod|android|blackberry|samsung|galaxy|nokia|lumia|windows phone|windows mobile|windows
    xiaomi|huawei|htc|sony
    xperia|motorola|oneplus|pixel|nexus|mobile|handy|smartphone|tablet|telefon|téléphone|telefono
    teléfono|phone|mobil|mobiltelefon
    outlook|yahoo|gmail|mail|proton|protonmail|zimbra|spark|bluemail|airmail|thunderbird|aol|gmx|web.de
    k-9|ios|mac|watch|telefone
    palm|treo|verizon|at&t|t-mobile|vodafone|wireless|handheld|device|mobiele|puhelin|puhelimesta
    телефон|телефона|iphone'umdan|手机|手機|휴대폰
    смартфон|смартфона|смартфону|приложения|iphone-omról|iphone'dan|ipad'imden|mobilen|mobiltelefonen
    realme|oppo|vivo|redmi|honor|asus|lg|tab|мобильного|мобільного
    apparaat|gerät|appareil|dispositivo|urządzenia|zařízení|zariadenia|cihazımdan|устройства|пристрою
    móvil|celular|cellulare|telemóvel|portable|mobiel|ヤフー|스마트폰""")
