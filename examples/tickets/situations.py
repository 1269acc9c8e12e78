"""What the tickets are about: 22 situations of nine queues, each in five wordings and with the reason for its queue.

The last wording of a situation stands in test tickets alone, the one before it in those of validation.
"""

from typing import NamedTuple


class Situation(NamedTuple):
    """A queue, the reason as a worked solution, and the wordings of a customer; braces are filled (make_data.py)."""

    queue: str
    reason: str
    wordings: tuple[str, str, str, str, str]


SITUATIONS = (
    Situation(
        "orders",
        "The purchase has not been sent, and the customer no longer wants it. Cancelling it is for orders.",
        (
            "I ordered a {thing} last night ({order}). Please cancel it, it has not left your store yet.",
            "Order {order} still says 'being packed'. I found the {thing} cheaper in {city} and do not need yours.",
            "Can you stop {order}? My partner had bought the same {thing} already. You have not shipped it so far.",
            "The {thing} from {order} is not on its way yet, is it? Then I take my purchase back.",
            "Changed my mind about {order} an hour after buying. Nothing was dispatched, so just drop it.",
        ),
    ),
    Situation(
        "orders",
        "The order is still to be sent, and the customer wants something else in it. Changing it is for orders.",
        (
            "Could I get the {thing} in {colour} instead? {order} was placed today and waits for packing.",
            "I typed my old street in {city} for {order}. It goes out on Monday, please put in the new address.",
            "Please add a second {thing} to {order} before you pack it.",
            "{order} is 'in preparation'. Make it the {colour} one, please, I clicked on the wrong picture.",
            "Before {order} is handed to the carrier: I need it sent to my office in {city}, not to my home.",
        ),
    ),
    Situation(
        "delivery",
        "The parcel has been sent and does not come. A parcel that is late is for delivery.",
        (
            "You sent my {thing} {days} days ago and the tracking has not moved since.",
            "{order} was shipped on Tuesday a week ago. Where is it? The page says 'in transit' every day.",
            "My {thing} was promised for the weekend. It has been on the road for {days} days now.",
            "The carrier has had {order} since the start of the month and keeps giving me new dates.",
            "Still waiting. The {thing} left your store {days} days ago, and nobody in {city} has seen the van.",
        ),
    ),
    Situation(
        "delivery",
        "The parcel is marked as delivered, and the customer does not have it. A lost parcel is for delivery.",
        (
            "The tracking says delivered, but there is no {thing} at my door.",
            "{order} was 'left in a safe place'. I have looked everywhere, there is no box.",
            "Your driver noted that I signed for the {thing}. I was at work in {city} and signed nothing.",
            "I got a mail that {order} has arrived. It has not, and my neighbours don't have it either.",
            "According to the photo my {thing} stands in front of a blue gate. My house has no gate.",
        ),
    ),
    Situation(
        "delivery",
        "The parcel has been sent to the wrong place. Where a parcel goes on its way is for delivery.",
        (
            "Why is my parcel in {city}? I live at the other end of the country, and it was sent {days} days ago.",
            "The courier took {order} to a pick-up shop that closed last year.",
            "My {thing} is being driven round in {city}, says the map. I am nowhere near it.",
            "{order} went to the street that I moved out of, though the label has the new one.",
            "The driver has gone back to the depot in {city} with my {thing} for the third time without ringing.",
        ),
    ),
    Situation(
        "returns",
        "The {thing} came {days} days ago and the customer does not want it. Within 30 days it goes to returns.",
        (
            "The {thing} came {days} days ago. It is louder than I thought, I want to give it back.",
            "I have had the {thing} for {days} days and it is too big for my shelf. How do I send it back?",
            "My {thing} is unused, it was a present and I own one. It arrived {days} days ago.",
            "After {days} days with it I know that the {thing} is not for me. I want my money for it.",
            "Unpacked the {thing} {days} days ago, tried it twice, did not like it. It is back in its box. What next?",
        ),
    ),
    Situation(
        "returns",
        "The {thing} was damaged when it came {days} days ago. Within 30 days it goes to returns.",
        (
            "The {thing} that came {days} days ago has a crack in the {part}. I do not want to keep it.",
            "I opened the box after {days} days: the {part} of the {thing} is broken, it must have fallen.",
            "{days} days ago I got the {thing}, and its {part} was bent from the first moment.",
            "The {part} was in pieces when I unpacked the {thing}. That was {days} days ago.",
            "Glass everywhere in the box of my {thing}, it got here {days} days ago. Please take it back.",
        ),
    ),
    Situation(
        "returns",
        "The customer got another article than the one bought, {days} days ago. Within 30 days it goes to returns.",
        (
            "I bought the {colour} {thing} and got a grey one {days} days ago. Please swap it.",
            "You sent me a pasta maker. I had paid for a {thing}. It came {days} days ago.",
            "The box that came {days} days ago has the small {thing} in it, I chose the large one.",
            "Wrong plug on the {thing} that I got {days} days ago: it is for another country.",
            "What I unpacked {days} days ago is somebody else's purchase, I had wanted a {colour} {thing}.",
        ),
    ),
    Situation(
        "warranty",
        "The {thing} fails after {months} months. That is more than 30 days and less than two years: warranty.",
        (
            "My {thing} stopped working. I have had it for {months} months.",
            "After {months} months the {part} of the {thing} does nothing any more.",
            "The {thing} that I bought {months} months ago switches itself off after a minute.",
            "{months} months of light use, and now the {thing} is dead. That can't be normal.",
            "Yesterday the {thing} gave a bang and no longer starts. It is {months} months old.",
        ),
    ),
    Situation(
        "warranty",
        "A part of it fails after {months} months. That is more than 30 days and less than two years: warranty.",
        (
            "The {part} of my {thing} came loose after {months} months.",
            "Water runs out below the {thing} since last week. I bought it {months} months ago.",
            "There is rust on the {part} of a {thing} that is {months} months old!",
            "The {part} has begun to smell of burning. The {thing} has been here for {months} months.",
            "For {months} months all was well with the {thing}, now the {part} hangs by a thread.",
        ),
    ),
    Situation(
        "repair",
        "The {thing} fails after {years} years. That is more than two years, so it is a paid repair.",
        (
            "After {years} years my good old {thing} does not turn on.",
            "I have owned the {thing} for {years} years. The {part} has died, can you mend it?",
            "The {thing} is {years} years old and makes a grinding noise. I would pay to have it fixed.",
            "My {thing} has given up after {years} years. Is it worth mending?",
            "We got the {thing} as a wedding present {years} years ago, and this morning it stayed cold.",
        ),
    ),
    Situation(
        "repair",
        "The customer wants a part for a {thing} of {years} years. After two years that is a paid repair.",
        (
            "Do you still have a {part} for a {thing} that is {years} years old?",
            "The {part} of my {thing} is worn after {years} years. What does a new one cost?",
            "I need somebody who changes the {part} of a {thing}, bought {years} years ago.",
            "Can I send in my {thing}? It has done {years} years and needs a new {part}.",
            "{years} years on, the {part} is the only thing that is wrong with my {thing}. I would like to replace it.",
        ),
    ),
    Situation(
        "billing",
        "The customer has paid more than was due. Charges are for billing.",
        (
            "You took {amount} from my card twice for {order}.",
            "My statement shows {amount} for the {thing}, the page had said ten euros less.",
            "I was charged {amount} although I had a voucher that covered all of it.",
            "There are two payments of {amount} to you on the same day. I bought one {thing}.",
            "Why did you book {amount} this morning? I have bought nothing since the spring.",
        ),
    ),
    Situation(
        "billing",
        "The customer needs an invoice. Invoices are for billing.",
        (
            "I need an invoice for {order} with the name of my company on it.",
            "Please send me the receipt for the {thing}, my tax office asks for it.",
            "The invoice for {order} has the wrong tax number.",
            "My accountant in {city} cannot read the PDF of {order}. Could I have the bill on paper?",
            "There was no document about the {amount} in the box. I have to hand one in at work.",
        ),
    ),
    Situation(
        "billing",
        "The article is back and the money is not. Refunds are for billing.",
        (
            "You got the {thing} back {days} days ago. I still wait for my {amount}.",
            "My refund for {order} is {amount} short.",
            "The return of the {thing} was confirmed, but nothing has reached my bank in {city}.",
            "When do I see the {amount} again? Your store has had the parcel for {days} days.",
            "You wrote that {amount} would be on my card by Friday. It is Tuesday, and there is nothing.",
        ),
    ),
    Situation(
        "account",
        "The customer cannot log in. Access is for account.",
        (
            "I cannot log in. The mail for a new password never comes.",
            "Your site says that my password is wrong. It is not, I use it every week.",
            "My profile is locked after three tries. How do I get in?",
            "The code that you text me for signing in arrives an hour too late.",
            "Every time I sign on to the shop in {city} or at home, it throws me back to the front page.",
        ),
    ),
    Situation(
        "account",
        "The customer wants to change a profile. Profiles are for account.",
        (
            "My e-mail address has changed. Where can I enter the new one?",
            "I have two profiles with you by mistake. Please make them one.",
            "I married, and my name in the shop is still the old one.",
            "How do I take my old phone number out of my profile and put in another?",
            "My daughter used my mail for her registration. I want a customer number of my own.",
        ),
    ),
    Situation(
        "app",
        "The app does not find the {thing}. Connections are for app.",
        (
            "The app does not find my {thing}, though both are in the same wifi.",
            "Since I have a new router, the {thing} and my phone no longer talk to each other.",
            "Pairing the {thing} fails at 90 percent every time.",
            "Bluetooth sees the {thing}, your program says 'no device'.",
            "On my tablet the {thing} is grey and 'offline', while it stands right beside it and brews.",
        ),
    ),
    Situation(
        "app",
        "The app crashes. Faults of the app are for app.",
        (
            "The app closes by itself as soon as I open the recipes.",
            "After the update of Monday your app shows a white page.",
            "The timer in the app freezes my phone.",
            "Version 5 does not start on my tablet, version 4 did.",
            "Each time I tap on 'shopping list', the screen goes black and I am back at my phone's start page.",
        ),
    ),
    Situation(
        "app",
        "What the customer saved in the app is gone. The data of the app's functions are for app.",
        (
            "All my saved recipes are gone from the app.",
            "The programs that I made for the {thing} are not on my new phone.",
            "My app shows the favourites of last year and none of the new ones.",
            "The schedule for the {thing} resets to 7:00 in the app every night.",
            "I noted 40 cakes in there with my own timings. After I changed phones, the list was empty.",
        ),
    ),
    Situation(
        "privacy",
        "The customer asks about stored data. Personal data are for privacy.",
        (
            "Please delete everything that you have stored about me.",
            "I want a copy of all data that you keep on me, by law you have a month.",
            "Whom do you pass my address on to? I never agreed to that.",
            "I am no longer a customer. Erase my purchases and my address, please.",
            "Which of my details did you sell to that survey firm in {city}? I want a list.",
        ),
    ),
    Situation(
        "privacy",
        "The customer does not want advertising. Consent to it is for privacy.",
        (
            "I unsubscribed from your newsletter three times. It still comes.",
            "Stop texting me offers, I never said yes to that.",
            "Please take me off your mailing list.",
            "Every week there is a catalogue in my letter box. I do not want any.",
            "Your adverts follow me by mail and by phone. I take back whatever I agreed to.",
        ),
    ),
)
