"""The words of the generated world, as tables in a small notation.

A block describes one domain (a topic). In it

    at: hospital infirmary; clinic          sites, with their preposition (at, in, on)
    person medic: doctor physician; nurse   a family of nouns: its kind, its hypernym, its members
    do medic > sufferer: treat cure; ...    actions: who does them, to whom or what

Members are separated by semicolons and synonyms by spaces. A slash gives an irregular form: `wolf/wolves`
for a noun, `steal/stole/stolen` for a verb (past, participle, and the -ing form where the rule fails).
`=name` adds a frame to an action named before. Every word belongs to exactly one meaning, so that a synonym
class can be told from text and a test can map words to meanings.
"""

from __future__ import annotations

DOMAINS = """
== medicine
at: hospital infirmary; clinic; pharmacy drugstore; hospice; sanatorium
person medic: doctor physician; nurse; surgeon; dentist orthodontist; paramedic; pharmacist druggist;
    therapist
person sufferer: patient; invalid; infant newborn baby; diabetic; asthmatic; amputee
thing remedy: pill tablet; vaccine jab; syrup tonic; ointment balm salve; bandage; antibiotic
do medic > sufferer: treat cure heal; examine probe; diagnose; console soothe comfort; immunize vaccinate;
    sedate anesthetize
do medic > remedy: prescribe dispense; label/labelled; sterilize disinfect
do sufferer > remedy: refuse decline; request; tolerate

== kitchen
in: kitchen galley; restaurant bistro; bakery; canteen cafeteria; pub tavern
person caterer: chef cook; baker; waiter server; butcher; dishwasher
person guest: customer patron; gourmet epicure; vegetarian vegan; bachelor
food dish: cake gateau; soup broth; pie tart; omelette; stew casserole; pancake; sandwich; salad
thing utensil: pan skillet; knife/knives; oven stove; bowl; kettle; platter plate
do caterer > dish: prepare make/made; serve; season flavour; reheat warm
do guest > dish: eat/ate/eaten consume; order; taste sample; photograph
do caterer > utensil: scrub/scrubbed scour; polish shine/shined; grease; dent; repair mend fix

== farm
on: farm ranch
in: barn; orchard; meadow pasture; field
person grower: farmer; shepherd herdsman/herdsmen; gardener; dairyman/dairymen; beekeeper apiarist
animal beast: cow heifer; sheep/sheep ewe; goat; pig hog; donkey mule; hen chicken; horse pony stallion
food crop: carrot; apple; potato/potatoes; pumpkin; cabbage; turnip; onion
do grower > beast: feed/fed nourish; groom brush; tether tie; slaughter
do grower > crop: harvest reap; plant sow/sowed/sown; water irrigate; weigh
do beast > crop: nibble munch; trample flatten; sniff smell

== sport
at: stadium arena; gymnasium gym; racecourse racetrack; pool; rink
person athlete: footballer striker; goalkeeper goalie; sprinter runner; swimmer; boxer pugilist; cyclist;
    gymnast; wrestler
person official: referee umpire; coach trainer; sponsor
thing prize: trophy cup; medal; title; ribbon
do athlete > athlete: defeat beat/beat/beaten; tackle; challenge;
    overtake/overtook/overtaken outrun/outran/outrun/outrunning; injure hurt/hurt
do athlete > prize: win/won/won/winning; forfeit; kiss; deserve merit
do official > athlete: instruct; penalize punish; disqualify ban/banned; select choose/chose/chosen pick
do official > prize: present award; withhold/withheld

== music
at: auditorium; festival; nightclub disco; conservatory; bandstand
person musician: singer vocalist; pianist; violinist fiddler; drummer percussionist; guitarist;
    flautist flutist; maestro conductor; cellist
person listener: fan admirer devotee; critic reviewer; journalist
thing instrument: piano; violin fiddle; drum; guitar; flute; trumpet bugle; cello; harp
abstract composition: song tune; symphony; anthem hymn; ballad; sonata; lullaby
do musician > instrument: play; =repair; smash shatter; insure; borrow
do musician > composition: perform; compose; record tape; rehearse practise; hum/hummed; improvise
do listener > musician: applaud cheer clap/clapped; heckle jeer boo; interview
do listener > composition: enjoy relish; download; review

== crime
at: courthouse tribunal; bank; precinct
in: prison jail; alley
person lawman/lawmen: officer constable cop; detective investigator; sheriff; warden jailer; inspector
person crook: thief/thieves robber; burglar; smuggler trafficker; forger counterfeiter; murderer killer;
    hacker; kidnapper abductor
person jurist: judge magistrate; lawyer attorney; prosecutor; juror
thing valuable: jewel gem; necklace; wallet purse; safe strongbox; diamond; banknote
do lawman > crook: arrest apprehend detain; chase pursue; question interrogate; handcuff shackle; release free
do crook > valuable: steal/stole/stolen swipe; smuggle; bury; pawn
do lawman > valuable: recover retrieve; seize confiscate
do jurist > crook: convict; acquit/acquitted exonerate absolve; indict charge; imprison incarcerate

== politics
at: parliament; embassy consulate; summit; palace; senate
person politician: president; minister; senator; mayor; ambassador envoy diplomat; chancellor; governor;
    monarch/monarchs king sovereign
person citizen: voter elector; protester demonstrator; activist campaigner; refugee; taxpayer
abstract policy: law statute; tax levy; treaty pact accord; budget; reform; embargo/embargoes;
    referendum plebiscite; constitution
do politician > policy: approve endorse ratify; reject rebuff; propose; amend revise;
    repeal abolish scrap/scrapped; debate discuss
do citizen > policy: oppose resist; support back; denounce condemn
do politician > politician: meet/met; replace succeed; distrust; telephone phone
do citizen > politician: elect; petition lobby; ridicule mock

== business
at: office headquarters/headquarters; market bazaar
in: factory; warehouse depot; boardroom
person trader: banker financier; merchant dealer; broker; accountant auditor; investor shareholder;
    manager boss; entrepreneur
person worker: employee; apprentice trainee; labourer; typist; receptionist; clerk
abstract asset: stock; loan mortgage; contract; invoice bill; company firm; bond; patent
do trader > asset: acquire; audit; sign; transfer/transferred; negotiate; cancel/cancelled annul/annulled void
do trader > worker: hire recruit employ; dismiss fire sack; promote; pay/paid reward; mentor
do worker > asset: misfile; process handle
do worker > trader: sue; flatter; notify inform

== school
at: school academy; university college; playground
in: library; classroom
person educator: teacher schoolmaster; professor lecturer; tutor; librarian; headmaster principal
person learner: pupil schoolboy; student undergraduate; graduate alumnus/alumni; freshman/freshmen;
    beginner novice
abstract text: book; essay; textbook; dictionary; exam quiz/quizzes; poem; thesis/theses dissertation; atlas
do educator > learner: teach/taught educate; scold rebuke reprimand; encourage motivate;
    expel/expelled suspend; excuse
do learner > text: read/read; study; memorize; copy; summarize; translate
do educator > text: edit; correct; assign; recommend suggest; publish

== sea
in: harbour port; cove bay
on: beach shore; pier jetty wharf/wharves; island
at: lighthouse; reef
person seafarer: sailor mariner seaman/seamen; captain skipper; fisherman/fishermen angler; diver;
    pirate buccaneer; lifeguard
animal creature: salmon/salmon; trout/trout; shark; whale; dolphin porpoise; crab; octopus; turtle
thing vessel: boat dinghy; ship steamer; yacht sailboat; canoe kayak; ferry; raft; submarine
do seafarer > creature: catch/caught hook; spot/spotted sight; tag/tagged
do seafarer > vessel: steer navigate; board; moor dock; sink/sank/sunk scuttle; =repair
do seafarer > canoe: paddle
do creature > creature: swallow gulp; circle; nudge

== transport
at: station; airport airfield; crossing junction
on: motorway highway; bridge
in: garage
person operator: driver chauffeur; aviator; trucker; mechanic repairman/repairmen; motorcyclist biker
person traveller: passenger; commuter; tourist sightseer; pilgrim; hitchhiker
thing vehicle: car automobile; truck lorry; bus minibus; locomotive railcar; plane aircraft/aircraft;
    tram trolley; taxi cab; motorcycle motorbike; van
do operator > vehicle: inspect check; park; overhaul; crash wreck; refuel/refuelled; start; =repair
do aviator > plane: fly/flew/flown; land
do operator > traveller: transport convey; overcharge; greet welcome; warn alert
do traveller > vehicle: miss; await; rent lease; exit

== army
at: barracks/barracks; border frontier; checkpoint
in: fortress; trench
on: battlefield
person fighter: soldier trooper; general commander; sniper marksman/marksmen; rebel insurgent; guerrilla;
    lieutenant; mercenary; spy
thing weapon: rifle; tank; missile; grenade; cannon; sword sabre; landmine
structure target: bunker; outpost; airbase; convoy; camp encampment
do fighter > fighter: ambush; shoot/shot; capture; salute; betray
do fighter > weapon: launch; load; dismantle disarm defuse; deploy; test
do fighter > target: attack assault; bomb bombard; defend protect; besiege encircle; abandon

== building
in: quarry; workshop; yard; suburb; cellar basement
person craftsman/craftsmen: builder; carpenter joiner; plumber; electrician; bricklayer mason; plasterer;
    architect; roofer; welder
person resident: tenant lodger renter; landlord landlady; homeowner; neighbour
structure structure: house dwelling; wall; roof; tower; staircase stairway; chimney; cottage cabin; shed
thing tool: hammer mallet; drill; saw; ladder; wrench spanner; crane; brick; shovel spade
do craftsman > structure: build/built construct erect; demolish raze; renovate restore refurbish; measure;
    design; insulate
do craftsman > tool: wield; sharpen; lend/lent; lift raise; drop/dropped; =repair
do resident > structure: inhabit occupy; own; heat
do resident > craftsman: contact; thank

== science
at: observatory; institute; seminar
in: laboratory lab; greenhouse
person scientist: physicist; chemist; biologist; astronomer stargazer; geologist; botanist; mathematician;
    zoologist; engineer
abstract idea: theory hypothesis/hypotheses; formula; equation; theorem; experiment trial;
    discovery breakthrough
natural body: planet; comet; asteroid meteor; star; galaxy; moon; satellite
natural specimen: microbe germ; fossil; crystal; molecule; virus; mineral; cell
do scientist > idea: verify confirm; refute disprove; explain clarify; simplify; =publish
do scientist > body: observe; discover detect; name; map/mapped
do scientist > specimen: analyze; isolate extract; classify categorize; freeze/froze/frozen; =examine

== wildlife
in: forest woodland; jungle rainforest; cave cavern; swamp marsh bog
on: savanna; mountain
at: zoo
person woodsman/woodsmen: ranger gamekeeper; hunter trapper poacher; zookeeper; hiker rambler trekker;
    camper; explorer
animal predator: wolf/wolves; lion; tiger; bear; fox; eagle; leopard; crocodile alligator; hawk falcon;
    snake serpent
animal herbivore: rabbit bunny hare; deer/deer stag; mouse/mice; squirrel; antelope gazelle; zebra;
    frog toad; duck; monkey
do predator > herbivore: stalk; devour gobble; frighten scare; bite/bit/bitten; kill; =chase
do predator > predator: fight/fought; avoid evade; outwit/outwitted
do woodsman > predator: trap/trapped snare; track trail; cage; =shoot
do woodsman > herbivore: =feed; count; lure attract

== home
in: bedroom; attic loft; lounge parlour; bathroom
on: porch veranda; balcony
person relative: mother mum; father dad; grandmother granny; uncle; aunt; brother; sister; cousin
person child/children: boy lad; girl lass; toddler; twin; teenager adolescent; orphan
thing toy: doll; kite; puppet marionette; puzzle jigsaw; balloon; marble
thing garment: coat jacket; shirt blouse; dress gown; scarf/scarves shawl; hat cap; sweater jumper;
    sock stocking; glove mitten
do relative > child: hug/hugged embrace cuddle; bathe wash; adopt; spoil pamper; =scold
do relative > garment: sew/sewed/sewn stitch; knit/knitted; iron; fold; patch; =repair; dye/dyed/dyed/dyeing
do child > toy: toss; unwrap/unwrapped; swap/swapped; break/broke/broken; share
do child > garment: wear/wore/worn; tear/tore/torn rip/ripped; stain soil
do child > relative: imitate mimic/mimicked/mimicked/mimicking; adore; obey

== arts
at: theatre playhouse; gallery; cinema; studio; museum
person artist: painter; sculptor; actor performer; dancer ballerina; novelist author; poet;
    director filmmaker; photographer
person spectator: viewer onlooker; collector; curator
abstract work: film movie; thriller; drama; cartoon; comedy; documentary; musical
thing artwork: painting canvas; statue sculpture; portrait; mural fresco/frescoes; sketch drawing; mosaic
do artist > artwork: create; display exhibit; unveil reveal
do artist > work: direct; produce; adapt; finish complete
do spectator > artwork: auction; authenticate; vandalize deface; =display
do spectator > work: watch view; misunderstand/misunderstood; =review

== emergency
in: square plaza; street avenue; valley; village hamlet; tunnel
on: riverbank
person rescuer: firefighter fireman/firemen; volunteer; mountaineer climber; dispatcher
person victim: survivor; casualty; villager; hostage captive; evacuee
force disaster: storm tempest; flood deluge; earthquake quake tremor; blaze inferno;
    avalanche landslide mudslide; hurricane cyclone typhoon; explosion blast
structure facility: dam; pipeline; reactor; refinery; skyscraper; hotel inn; church chapel; monument
do disaster > facility: destroy devastate ruin; damage; shake/shook/shaken; engulf
do disaster > victim: displace uproot; terrify; =injure; =kill
do rescuer > victim: rescue save; evacuate; carry; locate; =warn
do rescuer > disaster: survive outlive; predict forecast/forecast; monitor
"""

# What any person does to anything or anyone of the same domain; a star stands for every family of a kind.
ANYWHERE = """
do *person > *thing: buy/bought purchase; sell/sold; find/found; describe depict
do *person > *structure: =describe; =photograph
do *person > *natural: =describe; =photograph
do *person > *person: praise laud commend; blame; help assist aid; visit
do *person > *abstract: criticize; mention; forget/forgot/forgotten/forgetting
"""

PROPERTIES = """
person: old elderly aged; young youthful; tall lanky; tired weary exhausted; famous renowned celebrated;
    brave courageous; angry furious irate;
 rich wealthy affluent; shy timid; clever smart; nervous anxious; foreign overseas; retired; skilled adept;
    lazy idle; polite courteous
animal: hungry starving; wild feral; fierce ferocious; lame limping; gray; tame docile
animal thing food structure natural: large big; small little
thing: heavy hefty; expensive costly pricey; cheap inexpensive; red crimson scarlet; black; green; new
thing natural: strange odd peculiar; rare scarce
structure: antique ancient; modern contemporary; white; nearby adjacent; concrete
natural: distant remote faraway; bright
food: fresh; sweet sugary; salty; spicy; organic; cold chilled
abstract: controversial disputed; secret confidential; complicated complex intricate;
    important crucial vital; obscure; popular; lengthy long; short brief
force: severe intense; sudden unexpected; deadly lethal; powerful mighty
"""

TIMES = """
weekday: on Monday; on Tuesday; on Wednesday; on Thursday; on Friday; on Saturday; on Sunday
month: in January; in March; in April; in June; in August; in October; in December
daypart: at dawn, at daybreak, at sunrise; at noon, at midday; at dusk, at nightfall, at sunset; at midnight;
    this morning; this afternoon
season: in winter, during the winter; in spring; in summer, during the summer; in autumn, during the autumn
recent: yesterday, the day before; last week, a week ago; last month, a month ago; last year, a year ago;
    over the weekend
"""

CITIES = """
north: Oslo; Helsinki; Stockholm; Copenhagen; Tallinn; Bergen
west: London; Dublin; Paris; Brussels; Amsterdam; Glasgow; Lyon
south: Lisbon; Madrid; Athens; Rome; Naples; Seville
east: Warsaw; Prague; Vienna; Budapest; Sofia; Kiev
asia: Tokyo; Delhi; Mumbai; Seoul; Jakarta; Manila; Hanoi
americas: Boston; Chicago; Toronto; Denver; Lima; Bogota; Havana
africa: Cairo; Nairobi; Lagos; Tunis; Accra; Dakar
"""

MANNERS = """
pace: quickly rapidly swiftly; slowly; suddenly abruptly
care: carefully cautiously; carelessly recklessly; gently softly
show: secretly covertly; publicly openly; quietly silently; proudly
will: reluctantly unwillingly; eagerly gladly; deliberately intentionally; accidentally inadvertently
"""

COUNTS = "few: two 2; three 3; four 4; five 5; six 6\nmany: ten 10; twelve 12; eight 8; twenty 20"

# Who reports an event, as plural nouns; part of the frame, never of the meaning.
SOURCES = (
    "officials", "witnesses", "reporters", "local residents", "authorities", "bystanders", "analysts",
    "observers", "locals", "insiders", "agencies", "experts",
)  # fmt: skip

# For questions of the kind "What does ... stand for"; no event speaks of them.
ACRONYMS = "NASA UNESCO NATO FBI CPU DNA GPS UNICEF BBC IMF OPEC RAM HTML LASER RADAR SONAR AIDS CEO GDP ATM"
