"""Yours: the words that the synthetic forms of sample_data.py are made of, by language."""

from typing import NamedTuple


class Values(NamedTuple):
    """What names and addresses are drawn from, a word or a line each."""

    given: list[str]
    family: list[str]
    streets: list[str]
    towns: list[str]
    mail: list[str]


def values(given: str, family: str, streets: str, towns: str, mail: str) -> Values:
    return Values(
        given.split(), family.split(), streets.split("; "), towns.split("; "), mail.split()
    )


VALUES = {
    "en": values(
        "Alice Oliver Emma George Harriet Jack Isla Thomas Grace William Sophie Henry Ruby Edward "
        "Charlotte Arthur Megan Leo Hannah Samuel Priya Omar Zoe Callum",
        "Smith Jones Taylor Brown Davies Wilson Evans Thomas Roberts Walker Wright Green Hall "
        "Wood Clarke Patel Hughes Edwards Turner Hill O'Brien Khan Ward Cooper-Reid",
        "Station Road; High Street; Church Lane; Victoria Avenue; Mill Close; Park Crescent; "
        "Queen Street; Kings Road; School Lane; The Green; Manor Drive; North Terrace",
        "Leeds; Bristol; York; Sheffield; Norwich; Exeter; Cardiff; Bath; Durham; Oxford; Derby; "
        "Newcastle upon Tyne",
        "mail.example.com post.example.org example.net home.example.co.uk",
    ),
    "de": values(
        "Anna Lukas Marie Jonas Lena Felix Sophie Maximilian Laura Paul Katharina Leon Julia Tim "
        "Greta Jürgen Ayşe Björn Heike Wolfgang Sabine Mehmet Käthe Hans-Peter",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer "
        "Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Yilmaz Weiß Lang-Vogt",
        "Hauptstraße; Bahnhofstr.; Gartenweg; Schillerplatz; Am Markt; Lindenallee; Goethestraße; "
        "Bergstr.; Kirchgasse; Mühlenweg; An der Alten Post; Rosenstraße; Zur Linde; Im Winkel; "
        "Alter Graben; Unter den Eichen",
        "Berlin; Hamburg; München; Köln; Leipzig; Dresden; Bremen; Freiburg im Breisgau; Kassel; "
        "Nürnberg; Ulm; Bad Homburg",
        "mail.example.com post.example.org web.example.net example.de",
    ),
    "fr": values(
        "Camille Lucas Léa Hugo Chloé Louis Manon Jules Inès Gabriel Zoé Raphaël Élodie Antoine "
        "Margaux Étienne Jean-Paul Amélie Karim Thérèse Noé Mathilde Fatima Luc",
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent "
        "Lefebvre Michel Garcia David Bertrand Roux Vincent Fournier Lefèvre Benali Girard "
        "Morel-Blanc",
        "rue Victor Hugo; avenue de la République; place du Marché; rue des Lilas; boulevard "
        "Voltaire; chemin des Vignes; rue de l'Église; allée des Tilleuls; quai de Seine; rue "
        "Pasteur; impasse du Moulin; cours Gambetta",
        "Paris; Lyon; Marseille; Toulouse; Nantes; Lille; Rennes; Dijon; Grenoble; Angers; "
        "Clermont-Ferrand; La Rochelle",
        "mail.example.com courrier.example.org example.net example.fr",
    ),
}
UNSEEN = {  # of the axis `values`: no other form has any of these
    "en": values(
        "Imogen Rupert Nadia Gareth Philippa Desmond Rhiannon Tariq Beatrix Angus Saoirse Cedric",
        "Blackwood Fairfax Okonkwo Pemberton Llewellyn Ashdown Whitlock Rahman Thistlewood Carver "
        "McAllister Nettleship",
        "Foxglove Rise; Harbour Row; Tannery Court; Wellington Parade; Cobblers Yard; Orchard Gate",
        "Ludlow; Penzance; Harrogate; Stow-on-the-Wold; Whitby; Kirkcaldy",
        "inbox.example.com letters.example.net",
    ),
    "de": values(
        "Friederike Torben Swantje Ruprecht Edeltraud Cem Ottilie Benedikt Wiebke Ansgar Dörte "
        "Karl-Heinz",
        "Petersen Dombrowski Achterberg Öztürk Habermann Lüttgenau Sauerwein Kowalczyk "
        "Brandstetter Feuchtwanger Rössler Thielemann",
        "Fliederstieg; Deichtwiete; Eichendorffring; Zum Wasserturm; Kastanienhof; Salzgasse",
        "Flensburg; Görlitz; Wuppertal; Husum; Passau; Bad Tölz",
        "kasten.example.com brief.example.net",
    ),
    "fr": values(
        "Apolline Gaspard Solène Thibault Maëlys Rodrigue Yasmina Corentin Ségolène Anatole "
        "Oriane Jean-Baptiste",
        "Chevallier Guillemot Delacroix Kermarrec Bouchard Vasseur Sanogo Peltier Montagnier "
        "Roussel d'Aubigny Teyssier",
        "sentier des Douaniers; rue du Faubourg Neuf; passage Colbert; promenade des Remparts; "
        "route de Beaune; square Lamartine",
        "Quimper; Carcassonne; Besançon; Aix-les-Bains; Bayonne; Saint-Malo",
        "boite.example.com lettre.example.net",
    ),
    "es": values(
        "Lucía Alejandro Carmen Javier Pilar Íñigo Rocío Sergio Begoña Álvaro Nuria Joaquín",
        "García Fernández López Sánchez Pérez Gómez Ruiz Díaz Muñoz Ibáñez Castaño Echeverría",
        "Calle Mayor; Avenida de la Constitución; Plaza de España; Paseo del Prado; Calle del "
        "Olmo; Ronda de Toledo",
        "Madrid; Sevilla; Zaragoza; Málaga; Gijón; San Sebastián",
        "correo.example.com buzon.example.net example.es",
    ),
}

# The words beside a value, by language and type; `labels` of the axis of that name below. The types
# after `address` are of no person: they have to stay.
LABELS = {
    "en": {
        "name": "Name; Full name; Applicant; Your name",
        "birth_date": "Date of birth; Born; DOB; Birth date",
        "account": "IBAN; Account; Bank account; Account number",
        "card": "Card; Card number; Credit card",
        "phone": "Phone; Telephone; Tel.; Mobile",
        "email": "E-mail; Email; Email address",
        "address": "Address; Home address; Lives at",
        "number": "Reference; Order no.; Customer number",
        "day": "Date; Submitted on; Date of visit",
        "amount": "Amount; Total; Fee",
        "remark": "Remarks; Notes",
    },
    "de": {
        "name": "Name; Vor- und Nachname; Antragsteller; Ihr Name",
        "birth_date": "Geburtsdatum; Geboren am; Geb.; geb. am",
        "account": "IBAN; Konto; Bankverbindung; Kontonummer",
        "card": "Karte; Kartennummer; Kreditkarte",
        "phone": "Telefon; Tel.; Handy; Mobil",
        "email": "E-Mail; Email; E-Mail-Adresse",
        "address": "Adresse; Anschrift; Wohnhaft in",
        "number": "Aktenzeichen; Bestellnr.; Kundennummer",
        "day": "Datum; Eingegangen am; Termin",
        "amount": "Betrag; Summe; Gebühr",
        "remark": "Bemerkung; Hinweise",
    },
    "fr": {
        "name": "Nom; Nom et prénom; Demandeur; Votre nom",
        "birth_date": "Date de naissance; Né(e) le; Naissance",
        "account": "IBAN; Compte; Compte bancaire; Numéro de compte",
        "card": "Carte; Numéro de carte; Carte bancaire",
        "phone": "Téléphone; Tél.; Portable; Mobile",
        "email": "E-mail; Courriel; Adresse e-mail",
        "address": "Adresse; Domicile; Demeurant",
        "number": "Référence; N° de commande; Numéro client",
        "day": "Date; Reçu le; Date de visite",
        "amount": "Montant; Total; Frais",
        "remark": "Remarques; Notes",
    },
}
OTHER_LABELS = {
    "en": {
        "name": "Insured person; Surname and given names; Cardholder; Tenant",
        "birth_date": "D.O.B.; Birthday; Born on (dd/mm/yyyy)",
        "account": "Pay into; Bank details; Debit from",
        "card": "Visa/Mastercard; Charge to; Plastic no.",
        "phone": "Call me on; Daytime number; Contact no.",
        "email": "Write to; Electronic mail; Mailbox",
        "address": "Residence; Postal address; Where you live",
        "number": "Case; Policy; File no.",
        "day": "Signed; Valid from; Appointment",
        "amount": "Due; Price; Balance",
        "remark": "Comment; For office use",
    },
    "de": {
        "name": "Versicherte Person; Zuname, Vorname; Karteninhaber; Mieter",
        "birth_date": "Geburtstag; Jahrgang und Tag; *",
        "account": "Lastschrift von; Überweisen auf; Bank",
        "card": "Visa/Mastercard; Zu belasten; Plastikkarte",
        "phone": "Rufnummer; Erreichbar unter; Fon",
        "email": "Elektronische Post; Mail; Postfach online",
        "address": "Wohnsitz; Postanschrift; Zustellung an",
        "number": "Vorgang; Police; Akte",
        "day": "Unterschrieben am; Gültig ab; Stand",
        "amount": "Fällig; Preis; Saldo",
        "remark": "Kommentar; Vermerk",
    },
    "fr": {
        "name": "Personne assurée; Patronyme et prénoms; Titulaire; Locataire",
        "birth_date": "Anniversaire; Jour de naissance; Né(e)",
        "account": "Prélever sur; Virer à; Coordonnées bancaires",
        "card": "Visa/Mastercard; À débiter; CB",
        "phone": "Joignable au; Numéro en journée; Fixe",
        "email": "Messagerie; Écrire à; Mél",
        "address": "Résidence; Adresse postale; Lieu de vie",
        "number": "Dossier; Police; Cas",
        "day": "Signé le; Valable dès; Rendez-vous",
        "amount": "Dû; Prix; Solde",
        "remark": "Commentaire; Réservé au service",
    },
}
SPANISH_LABELS = {
    "es": {
        "name": "Nombre; Nombre y apellidos; Solicitante",
        "birth_date": "Fecha de nacimiento; Nacido el; F. nac.",
        "account": "IBAN; Cuenta; Cuenta bancaria",
        "card": "Tarjeta; Número de tarjeta",
        "phone": "Teléfono; Tel.; Móvil",
        "email": "Correo electrónico; E-mail",
        "address": "Dirección; Domicilio",
        "number": "Referencia; N.º de pedido",
        "day": "Fecha; Recibido el",
        "amount": "Importe; Total",
        "remark": "Observaciones; Notas",
    },
}
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre "
    "noviembre diciembre",
}
TITLES = {
    "en": "Registration form; Application for membership; Repair order; Patient intake",
    "de": "Anmeldung; Antrag auf Mitgliedschaft; Reparaturauftrag; Aufnahmebogen",
    "fr": "Formulaire d'inscription; Demande d'adhésion; Bon de réparation; Fiche patient",
    "es": "Formulario de inscripción; Solicitud de alta; Orden de reparación; Ficha de paciente",
}
REMARKS = {
    "en": "Please call in the afternoon.; The door is green.; Second reminder, see the last "
    "letter.; None; Delivery in May 👍; Two boxes left at Reception",
    "de": "Bitte erst nachmittags anrufen.; Das Tor ist grün.; Zweite Mahnung, siehe letztes "
    "Schreiben.; Keine; Lieferung im Mai 👍; Zwei Kisten am Empfang",
    "fr": "Merci d'appeler l'après-midi.; La porte est verte.; Deuxième rappel, voir la lettre.; "
    "Aucune; Livraison en mai 👍; Deux cartons à l'Accueil",
    "es": "Llamar por la tarde.; La puerta es verde.; Segundo aviso, véase la carta.; Ninguna; "
    "Entrega en mayo 👍; Dos cajas en Recepción",
}
PROSE = {
    "en": "I am <name>.| I was born on <birth_date>.| I live at <address>.| You reach me by "
    "<phone>.| Write to <email>.| Please debit <account>.| My card is <card>.| I wrote on <day> "
    "about <number>.",
    "de": "Ich heiße <name>.| Ich bin am <birth_date> geboren.| Ich wohne in <address>.| Sie "
    "erreichen mich unter <phone>.| Schreiben Sie an <email>.| Bitte buchen Sie von <account> "
    "ab.| Meine Karte ist <card>.| Am <day> schrieb ich wegen <number>.",
    "fr": "Je m'appelle <name>.| Je suis né le <birth_date>.| J'habite <address>.| Je suis "
    "joignable au <phone>.| Écrivez à <email>.| Merci de débiter <account>.| Ma carte est la "
    "<card>.| J'ai écrit le <day> au sujet de <number>.",
    "es": "Me llamo <name>.| Nací el <birth_date>.| Vivo en <address>.| Pueden llamarme al "
    "<phone>.| Escriban a <email>.| Cargar en <account>.| Mi tarjeta es <card>.| Escribí el <day> "
    "por <number>.",
}
