# ruff: noqa: E501 (replies as they come)
r"""Right replies in the styles in which today's models answer, each with the noise that their kind leaves in."""

from tutelage.records import AnswerKind, Choice, Problem

PENS = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")
MEAN = Problem.of("Ann scored 80 and 90. What is her average score?", "85")
MONEY = Problem.of("Ann has $20 and buys 3 cups at $4.50 each. How much is left?", "6.50")
SALE = Problem.of("A coat costs $80 and is 25% off. What does it cost now?", "60")
BOOKS = Problem.of(
    "Where would you borrow a book?",
    "B",
    choices=(Choice("A", "bank"), Choice("B", "library"), Choice("C", "court"), Choice("D", "mall")),
)
PEAR = Problem.of("Would a pear sink in water?", "no")

Style = tuple[Problem, AnswerKind, str]

NUMBERS: list[Style] = [
    (problem, "number", reply)
    for problem, reply in (
        (PENS, "Sure! Let's solve this step by step.\n\nEach box holds 4 pens, so 3 × 4 = 12 pens.\n\nThe answer is 12."),
        (PENS, "Certainly! Here's the solution:\n\nTom has 3 boxes with 4 pens each.\n\n3 × 4 = **12**\n\n**Answer: 12 pens**\n\nI hope this helps!"),
        (PENS, "To find the total number of pens, multiply the number of boxes by the number of pens in each box.\n\n\\[\n3 \\text{ boxes} \\times 4 \\text{ pens per box} = 12 \\text{ pens}\n\\]\n\nTherefore, Tom has a total of **12 pens**.\n\nThe answer is 12."),
        (PENS, "## Step 1: Identify the number of boxes and the number of pens in each box\nTom has 3 boxes, and each box contains 4 pens.\n\n## Step 2: Multiply the number of boxes by the number of pens\nTotal number of pens = 3 × 4 = 12\n\nThe final answer is: $\\boxed{12}$"),
        (PENS, "Here's how to solve the problem step-by-step:\n\n*   **Number of boxes:** Tom has 3 boxes.\n*   **Pens per box:** Each box holds 4 pens.\n*   **Total pens:** 3 * 4 = 12 pens.\n\n**Final Answer:** The final answer is $\\boxed{12}$"),
        (PENS, "<think>\nOkay, so Tom has 3 boxes. Maybe 7? No, 12.\n</think>\n\n**Step-by-Step Explanation:**\n\n1. **Understand the problem:** Tom has 3 boxes, each with 4 pens.\n2. **Multiply:** \\(3 \\times 4 = 12\\).\n\n**Answer:** \\(\\boxed{12}\\)"),
        (PENS, "# Solution\n\n| Boxes | Pens per box | Total |\n|---|---|---|\n| 3 | 4 | 3 × 4 = 12 |\n\nSo there are 12 pens in all.\n\n### Final Answer\n\n**12**"),
        (PENS, "Each box has 4 pens. 🖊️ So 3 × 4 = 12 pens! 🎉\n\n✅ **The answer is 12.**\n\nLet me know if you have any questions! 😊"),
        (PENS, "Each box holds 4 pens, so 3 × 4 = 12 pens.\n\nThe answer is 12.\n\nLet me know if you'd like to see another way!\n\nThe answer is 12."),
        (PENS, "Great question! Let me work through this.\n\nThere are 4 pens in every box. With 3 boxes that makes $3 \\times 4 = 12$ pens.\n\n#### 12"),
        (PENS, "Of course! Let me walk you through it.\n\n---\n\n**Given:**\n- 3 boxes\n- 4 pens in each box\n\n**Calculation:**\n3 × 4 = 12\n\n---\n\n**The answer is 12.**\n\nFeel free to ask if anything is unclear."),
        (PENS, "Okay, let's think about this.\n\nWe have 3 boxes with 4 pens in each. That is 3 × 4 = 12 pens.\n\nSo, the total number of pens is 12.\n\nThe answer is 12.\n\nWould you like me to explain any step in more detail?"),
        (PENS, "We can solve this problem by following these steps:\n\n**Step 1: Count the boxes.**\nThere are 3 boxes.\n\n**Step 2: Count the pens per box.**\nThere are 4 pens in each.\n\n**Step 3: Multiply.**\n3 × 4 = 12\n\n**Final Answer: 12**\n\nHappy learning!"),
        (PENS, "I'd be happy to help!\n\nTom has 3 boxes. Each one holds 4 pens. The total is 3 × 4 = 12 pens.\n\nThe answer is 12.\n\nIs there anything else you'd like to know?"),
        (PENS, "### Understanding the Problem\n\nTom has 3 boxes of 4 pens.\n\n### Calculation\n\n$$\n3 \\times 4 = 12\n$$\n\n### Conclusion\n\nTom has 12 pens.\n\nThe answer is 12."),
        (PENS, "```\n3 boxes × 4 pens = 12 pens\n```\nEvery box holds 4 pens.\n\nThe answer is 12.\n\nHope that helps! If you need further assistance, just ask."),
        (PENS, "Alright, here we go.\n\nThree boxes of four pens are 3 × 4 = 12 pens.\n\nANSWER: 12\n\nThanks for asking!"),
        (PENS, "Let's break it down:\n\n1️⃣ Tom has 3 boxes.\n2️⃣ Each box has 4 pens.\n3️⃣ 3 × 4 = 12.\n\n👉 The answer is 12.\n\nYou're welcome!"),
        (PENS, "Let's break this problem down step by step:\n\n- Tom has 3 boxes.\n- Each box contains 4 pens.\n\nTo find the total, we multiply: 3 × 4 = 12.\n\nTherefore, the answer is **12**.\n\nI hope this explanation helps! Let me know if you need anything else."),
        (PENS, "**Solution**\n\nNumber of pens $= 3 \\times 4 = 12$.\n\n$$\\boxed{12}$$"),
        (PENS, "> Tom has 3 boxes of 4 pens.\n\nMultiply the boxes by the pens: 3 × 4 = 12.<br>\n\n<b>The answer is 12.</b>"),
        (PENS, "Absolutely. I'll show the work.\n\nPens in one box: 4. Pens in three boxes: 3 × 4 = 12.\n\n**Final answer**\n\n12 pens"),
        (MEAN, "To calculate the average, add the scores and divide by their number:\n\n\\[\n\\frac{80 + 90}{2} = \\frac{170}{2} = 85\n\\]\n\nSo Ann's average score is \\(\\boxed{85}\\)."),
        (MEAN, "Let's compute it.\n\n\\begin{align*}\n\\text{Average} &= \\frac{80 + 90}{2} \\\\\n&= \\frac{170}{2} \\\\\n&= 85\n\\end{align*}\n\nThe answer is 85."),
        (MEAN, "Sure thing! The mean of two numbers is their sum over 2.\n\n$$\\frac{80+90}{2} = 85$$\n\n**Therefore, the average is 85.** 🎯\n\nThe answer is 85."),
        (MONEY, "### Step-by-step Solution:\n\n1. **Cost of the cups:** 3 × \\$4.50 = \\$13.50\n2. **Money left:** \\$20.00 − \\$13.50 = \\$6.50\n\n### Final Answer:\nAnn has **\\$6.50** left.\n\nThe answer is 6.50."),
        (MONEY, "Ann pays $3 \\times 4.50 = 13.50$ dollars for the cups.\n\nShe has $20 - 13.50 = 6.50$ dollars left.\n\n$\\boxed{6.50}$\n\nLet me know if there's anything else I can help with!"),
        (MONEY, "First, calculate the total cost of the cups:\n\\[ 3 \\times \\$4.50 = \\$13.50 \\]\nThen subtract it from what Ann has:\n\\[ \\$20.00 - \\$13.50 = \\$6.50 \\]\n\n**Answer: \\$6.50**"),
        (SALE, "**Step 1:** Find the discount: 25\\% of \\$80 is $0.25 \\times 80 = 20$.\n\n**Step 2:** Subtract it: $80 - 20 = 60$.\n\nThe coat now costs **$60**.\n\nThe answer is 60."),
        (SALE, "Here is a step-by-step breakdown:\n\n* Discount: $80 \\times 0.25 = \\$20$\n* New price: $80 - 20 = \\$60$\n\n**Final Answer: $60** 💰\n\nGood luck with your studies!"),
        (SALE, "No problem! The coat is 25% off, so 80 × 0.25 = 20 dollars are taken off.\n\nThat leaves 80 − 20 = 60 dollars.\n\nThe answer is 60.\n\nPlease let me know if you have further questions."),
    )
]  # fmt: skip
WORDS: list[Style] = [
    (BOOKS, "choice", "Sure! A library lends books, while a bank keeps money and a court judges.\n\nThe answer is B.\n\nI hope this helps!"),
    (BOOKS, "choice", "**Answer: (B) library**\n\n**Explanation:** A library is a place that lends books. A bank holds money, and a mall sells things.\n\nThe answer is B."),
    (BOOKS, "choice", "Let's look at each option:\n\n- **(A) bank**: keeps money.\n- **(B) library**: lends books. ✅\n- **(C) court**: judges. ❌\n- **(D) mall**: sells things. ❌\n\n**The answer is B.**"),
    (BOOKS, "choice", "## Analysis\n\nOne borrows books where they are lent out, which is what a library does.\n\n## Final Answer\n\n**B**"),
    (BOOKS, "choice", "Great question! 📚 Books are lent by a library, not by a bank or a mall.\n\nThe answer is **B**.\n\nWould you like another example?"),
    (PEAR, "yes-no", "Certainly! Let's think it through.\n\nA pear has a density of about 0.6 g/cm³. Water has a density of 1 g/cm³. What is less dense than water floats.\n\nThe answer is no.\n\nLet me know if you'd like more details!"),
    (PEAR, "yes-no", "**Reasoning:**\n\n1. A pear is less dense than water.\n2. Things that are less dense than water float.\n\n**Conclusion:** A pear floats, so it would not sink.\n\n**Final Answer: No**"),
    (PEAR, "yes-no", "### Facts\n- The density of a pear is below that of water.\n\n### Conclusion\nSo a pear would float.\n\nThe answer is no. 🍐\n\nHave a great day!"),
    (PEAR, "yes-no", "Okay! A pear is lighter than the water it displaces, so it floats on it.\n\nThe answer is no.\n\nFeel free to reach out with other questions.\n\nThe answer is no."),
]  # fmt: skip
STYLES: list[Style] = [*NUMBERS, *WORDS]
