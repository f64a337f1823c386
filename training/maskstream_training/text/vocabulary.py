"""The nouns a phrase may name, and what each training set says about them, pixel by pixel."""
import numpy as np

YES, NO, UNKNOWN = 1, 0, 255

STREET = {"sky": 0, "building": 1, "pole": 2, "road": 3, "pavement": 4, "tree": 5, "sign": 6, "fence": 7, "car": 8, "person": 9, "bicyclist": 10}
CAMVID_UNLABELLED = 11
CLOTHES = {
    "shirt": (5, 38, 51, 54), "sweater": (11, 22, 26, 48, 49), "jacket": (4, 10, 13, 24), "dress": (14, 35), "skirt": (42,),
    "trousers": (25, 27, 31), "shorts": (40,), "tights": (44, 45, 53), "shoes": (7, 12, 16, 21, 28, 32, 36, 39, 43, 58),
    "bag": (2, 33), "hat": (20,), "glasses": (17, 47), "hair": (19,),
}
CAR_PARTS = {"wheel": (18,), "door": (3, 5, 9, 11), "bumper": (1, 7), "windscreen": (2, 8), "headlight": (10, 12), "tail light": (4, 6),
             "bonnet": (13,), "mirror": (14, 15), "boot": (16, 17)}
NOUNS = [*STREET, *CLOTHES, *CAR_PARTS]
#: Nouns whose instances are cut apart where they touch.
SEPARABLE = ("person", "car", "bicyclist")

ALSO = {
    "building": ["buildings", "house", "houses"], "pole": ["poles", "post", "posts", "lamp post", "lamp posts"], "road": ["roads", "street", "streets"],
    "pavement": ["pavements", "sidewalk", "sidewalks", "footpath", "footpaths"], "tree": ["trees", "bush", "bushes", "vegetation"],
    "sign": ["signs", "traffic sign", "traffic signs", "road sign", "road signs"], "fence": ["fences", "railing", "railings"],
    "car": ["cars", "automobile", "automobiles", "vehicle", "vehicles"],
    "person": ["persons", "people", "man", "men", "woman", "women", "human", "humans", "pedestrian", "pedestrians",
               "lady", "ladies", "girl", "girls", "boy", "boys", "child", "children", "kid", "kids", "guy", "guys"],
    "bicyclist": ["bicyclists", "cyclist", "cyclists"], "shirt": ["shirts", "t-shirt", "t-shirts", "blouse", "blouses", "top", "tops"],
    "sweater": ["sweaters", "jumper", "jumpers", "cardigan", "cardigans", "hoodie", "hoodies", "sweatshirt", "sweatshirts"],
    "jacket": ["jackets", "coat", "coats", "blazer", "blazers"], "dress": ["dresses"], "skirt": ["skirts"],
    "trousers": ["pants", "jeans", "leggings"], "tights": ["stocking", "stockings", "sock", "socks"], "shoes": ["shoe", "boots", "sandal", "sandals", "sneaker", "sneakers", "heels"],
    "bag": ["bags", "handbag", "handbags", "purse", "purses"], "hat": ["hats", "cap", "caps"], "glasses": ["sunglasses", "spectacles"],
    "wheel": ["wheels", "tyre", "tyres", "tire", "tires"], "door": ["doors", "car door", "car doors"], "bumper": ["bumpers"],
    "windscreen": ["windscreens", "windshield", "windshields", "rear window"], "headlight": ["headlights", "headlamp", "headlamps"],
    "tail light": ["tail lights", "taillight", "taillights", "rear light", "rear lights"], "bonnet": ["bonnets", "hood", "hoods"],
    "mirror": ["mirrors", "wing mirror", "wing mirrors", "side mirror", "side mirrors"], "boot": ["trunk", "trunks", "tailgate", "tailgates"],
}

#: Video clips whose one object is known to be, or not to be, a person or a car.
CLIP_NOUN = {"hike": "person", "hockey": "person", "lucia": "person", "breakdance-flare": "person", "tennis": "person",
             "rollerblade": "person", "surf": "person", "car-turn": "car", "bus": "other", "bear": "other", "elephant": "other", "dog-agility": "other",
             "mallard-fly": "other", "mallard-water": "other", "boat": "other", "soccerball": "other", "train": "other"}


def rule(dataset: str, clip: str = "") -> np.ndarray:
    """[256 label ids, nouns] of YES, NO, UNKNOWN."""
    table = np.full((256, len(NOUNS)), UNKNOWN, np.uint8)
    column = {n: i for i, n in enumerate(NOUNS)}
    street, clothes, parts = ([column[n] for n in group] for group in (STREET, CLOTHES, CAR_PARTS))
    if dataset == "camvid":
        for label in range(CAMVID_UNLABELLED):
            table[label, street] = NO
            if label not in (STREET["person"], STREET["bicyclist"]):
                table[label, clothes] = NO
            if label != STREET["car"]:
                table[label, parts] = NO
        for noun, label in STREET.items():
            table[label, column[noun]] = YES
    elif dataset == "ccp":
        table[0, clothes] = table[0, column["person"]] = NO
        table[1:59] = NO
        table[1:59, column["person"]] = YES
        for noun, labels in CLOTHES.items():
            table[list(labels), column[noun]] = YES
    elif dataset == "human290":
        table[0, clothes] = table[0, column["person"]] = NO
        table[1, street] = table[1, parts] = NO
        table[1, column["person"]] = YES
    elif dataset == "carparts":   # label 255: between the parts, see prepare
        table[0, parts] = table[0, column["car"]] = NO
        table[1:19] = NO
        table[1:19, column["car"]] = table[255, column["car"]] = YES
        for noun, labels in CAR_PARTS.items():
            table[list(labels), column[noun]] = YES
    elif dataset == "davis-train" and CLIP_NOUN.get(clip):
        table[1, street] = NO
        if CLIP_NOUN[clip] != "person":
            table[1, clothes] = NO
        if CLIP_NOUN[clip] != "car":
            table[1, parts] = NO
        if CLIP_NOUN[clip] in column:
            table[1, column[CLIP_NOUN[clip]]] = YES
    return table
